#include "profiler/identity.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/mem.h"
#include "profiler/device.h"
#include "profiler/pathkey.h"

struct extractor {
    enum cfg_identity_kind kind;
    char *name;
    size_t name_len;
    struct sip_key key; /* of its own: a cookie's "7" is not a header's "7" */
};

struct identity {
    struct classify classify;
    struct device *device;
    bool respect_gpc;
    size_t n;
    struct extractor extractor[];
};

struct span {
    const char *p;
    size_t len;
};

struct sip_key identity_secret(const char *text)
{
    const struct sip_key first = {0x74696465, 0x67617465},
                         second = {0x67617465, 0x74696465};

    return (struct sip_key){siphash(&first, text, strlen(text)),
                            siphash(&second, text, strlen(text))};
}

static const char *kind_name(enum cfg_identity_kind k)
{
    switch (k) {
    case CFG_ID_HEADER:
        return "header:";
    case CFG_ID_COOKIE:
        return "cookie:";
    case CFG_ID_ADDRESS:
        return "address";
    }
    return "";
}

/* The secret key, bent by the extractor's kind and name. */
static struct sip_key key_for(const struct sip_key *secret, const struct extractor *x)
{
    char *label = mem_printf("%s%s", kind_name(x->kind), x->name);
    size_t len = strlen(label);
    struct sip_key other = {~secret->k0, secret->k1}, key;

    key = (struct sip_key){siphash(secret, label, len), siphash(&other, label, len)};
    free(label);
    return key;
}

/* ---- the extractors ---- */

static uint64_t hash(const struct extractor *x, struct span s)
{
    uint64_t h = siphash(&x->key, s.p, s.len);

    return h != 0 ? h : 1;
}

static struct span field(const struct request_view *v, const char *name)
{
    struct span s = {NULL, 0};

    s.p = v->field(v->fields, name, &s.len);
    if (s.p == NULL)
        s.len = 0;
    return s;
}

/* The value of the cookie, in a Cookie field (RFC 6265 section 4.2.1). */
static struct span cookie(struct span in, const struct extractor *x)
{
    const char *p = in.p, *end = in.p + in.len;

    while (p < end) {
        const char *semi = memchr(p, ';', (size_t)(end - p));
        const char *stop = semi != NULL ? semi : end;

        while (p < stop && *p == ' ')
            p++;
        if ((size_t)(stop - p) > x->name_len && p[x->name_len] == '=' &&
            memcmp(p, x->name, x->name_len) == 0)
            return (struct span){p + x->name_len + 1, (size_t)(stop - p) - x->name_len - 1};
        p = stop + 1;
    }
    return (struct span){NULL, 0};
}

struct place {
    uint8_t net[16]; /* IPv4 as ::ffff:a.b.c.d; of IPv6 the first 8 bytes */
    uint64_t agent;
};

static void set_ip4(struct place *p, const struct in_addr *a)
{
    memset(p->net, 0, sizeof(p->net));
    p->net[10] = p->net[11] = 0xff;
    memcpy(p->net + 12, a, 4);
}

static void set_ip6(struct place *p, const struct in6_addr *a)
{
    memset(p->net, 0, sizeof(p->net));
    memcpy(p->net, a, IN6_IS_ADDR_V4MAPPED(a) ? 16 : 8);
}

static bool place_of_peer(const struct sockaddr *sa, struct place *out)
{
    if (sa == NULL)
        return false;
    if (sa->sa_family == AF_INET)
        set_ip4(out, &((const struct sockaddr_in *)(const void *)sa)->sin_addr);
    else if (sa->sa_family == AF_INET6)
        set_ip6(out, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr);
    else
        return false;
    return true;
}

/* A host name stands for itself: logs have them. */
static void place_of_text(const struct extractor *x, struct span text, struct place *out)
{
    char buf[INET6_ADDRSTRLEN] = "";
    struct in_addr ip4;
    struct in6_addr ip6;
    uint64_t h;

    if (text.len < sizeof(buf))
        memcpy(buf, text.p, text.len);
    if (inet_pton(AF_INET, buf, &ip4) == 1) {
        set_ip4(out, &ip4);
    } else if (inet_pton(AF_INET6, buf, &ip6) == 1) {
        set_ip6(out, &ip6);
    } else {
        h = siphash(&x->key, text.p, text.len);
        memset(out->net, 0xfe, sizeof(out->net)); /* a link-local prefix: no client's */
        memcpy(out->net + 8, &h, sizeof(h));
    }
}

static uint64_t hash_place(const struct extractor *x, struct place *p, struct span agent)
{
    p->agent = agent.len > 0 ? siphash(&x->key, agent.p, agent.len) : 0;
    return hash(x, (struct span){(const char *)p, sizeof(*p)});
}

static uint64_t extract(const struct extractor *x, const struct request_view *v)
{
    struct span s = {NULL, 0};
    struct place place;

    switch (x->kind) {
    case CFG_ID_HEADER:
        s = field(v, x->name);
        break;
    case CFG_ID_COOKIE:
        s = cookie(field(v, "cookie"), x);
        break;
    case CFG_ID_ADDRESS:
        if (!place_of_peer(v->client, &place))
            return 0;
        return hash_place(x, &place, field(v, "user-agent"));
    }
    return s.len > 0 ? hash(x, s) : 0;
}

/* ---- what the workers call ---- */

static uint64_t on_user(const void *ctx, const struct request_view *v)
{
    const struct identity *id = ctx;
    uint64_t user = 0;

    if (id->respect_gpc) {
        struct span gpc = field(v, "sec-gpc");

        if (gpc.len == 1 && gpc.p[0] == '1')
            return 0;
    }
    for (size_t i = 0; i < id->n && user == 0; i++)
        user = extract(&id->extractor[i], v);
    return user;
}

static enum obs_device on_device(const void *ctx, const struct request_view *v)
{
    const struct identity *id = ctx;
    struct span agent = field(v, "user-agent");

    return device_of(id->device, agent.p, agent.len);
}

/* ---- life ---- */

struct identity *identity_new(const struct cfg_profiler *cfg, const struct sip_key *key)
{
    size_t n = cfg->n_identity;
    struct identity *id = mem_new(1, sizeof(*id) + n * sizeof(id->extractor[0]));

    id->classify = (struct classify){id, on_user, on_device, pathkey_of};
    id->device = device_new();
    id->respect_gpc = cfg->respect_gpc;
    id->n = n;
    for (size_t i = 0; i < n; i++) {
        struct extractor *x = &id->extractor[i];

        x->kind = cfg->identity[i].kind;
        x->name = mem_str(x->kind == CFG_ID_ADDRESS ? "" : cfg->identity[i].name);
        x->name_len = strlen(x->name);
        x->key = key_for(key, x);
    }
    return id;
}

void identity_free(struct identity *id)
{
    if (id == NULL)
        return;
    for (size_t i = 0; i < id->n; i++)
        free(id->extractor[i].name);
    device_free(id->device);
    free(id);
}

const struct classify *identity_classify(const struct identity *id)
{
    return &id->classify;
}

/* ---- from logs and from people ---- */

static const struct extractor *find_kind(const struct identity *id,
                                         enum cfg_identity_kind k)
{
    for (size_t i = 0; i < id->n; i++)
        if (id->extractor[i].kind == k)
            return &id->extractor[i];
    return NULL;
}

uint64_t identity_of_trace(const struct identity *id, const struct identity_trace *t)
{
    const struct extractor *x;
    struct span addr = {t->addr, t->addr_len};
    struct place place;

    if (id->n > 0 && id->extractor[0].kind != CFG_ID_ADDRESS && t->user_len > 0)
        return hash(&id->extractor[0], (struct span){t->user, t->user_len});
    x = find_kind(id, CFG_ID_ADDRESS);
    if (addr.len == 0)
        addr = (struct span){t->user, t->user_len};
    if (x == NULL || addr.len == 0)
        return 0;
    place_of_text(x, addr, &place);
    return hash_place(x, &place, (struct span){t->agent, t->agent_len});
}

static uint64_t of_hex(const char *text)
{
    char *end;
    uint64_t v;

    if (strlen(text) != 16 || strspn(text, "0123456789abcdefABCDEF") != 16)
        return 0;
    v = strtoull(text, &end, 16);
    return *end == '\0' ? v : 0;
}

static uint64_t of_address(const struct identity *id, const char *text)
{
    const char *bar = strchrnul(text, '|');
    struct identity_trace t = {.addr = text, .addr_len = (size_t)(bar - text)};
    const struct extractor *x = find_kind(id, CFG_ID_ADDRESS);
    struct place place;

    if (x == NULL || t.addr_len == 0)
        return 0;
    t.agent = *bar == '|' ? bar + 1 : bar;
    place_of_text(x, (struct span){t.addr, t.addr_len}, &place);
    return hash_place(x, &place, (struct span){t.agent, strlen(t.agent)});
}

static bool is_named(const struct extractor *x, const char *name, size_t len)
{
    if (x->name_len != len)
        return false;
    return x->kind == CFG_ID_HEADER ? strncasecmp(x->name, name, len) == 0
                                    : memcmp(x->name, name, len) == 0;
}

uint64_t identity_of_text(const struct identity *id, const char *text)
{
    const char *eq = strchr(text, '=');

    if (eq == NULL)
        return of_hex(text);
    if (strncmp(text, "address=", 8) == 0)
        return of_address(id, text + 8);
    for (size_t i = 0; i < id->n; i++) {
        const struct extractor *x = &id->extractor[i];
        size_t skip = strlen(kind_name(x->kind));

        if (x->kind != CFG_ID_ADDRESS && strncmp(text, kind_name(x->kind), skip) == 0 &&
            is_named(x, text + skip, (size_t)(eq - text) - skip) && eq[1] != '\0')
            return hash(x, (struct span){eq + 1, strlen(eq + 1)});
    }
    return 0;
}
