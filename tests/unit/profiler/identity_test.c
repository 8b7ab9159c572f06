#include "profiler/identity.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>

struct fields {
    const char *name[4], *value[4];
};

static const char *get(const void *ctx, const char *name, size_t *len)
{
    const struct fields *f = ctx;

    for (size_t i = 0; i < 4 && f->name[i] != NULL; i++)
        if (strcmp(f->name[i], name) == 0) {
            *len = strlen(f->value[i]);
            return f->value[i];
        }
    return NULL;
}

static const struct sip_key key = {1, 2}, other_key = {1, 3};

static struct cfg_identity all[] = {{CFG_ID_HEADER, (char *)"x-user"},
                                    {CFG_ID_COOKIE, (char *)"sid"},
                                    {CFG_ID_ADDRESS, (char *)""}};
static const struct cfg_profiler cfg = {
    .identity = all, .n_identity = 3, .respect_gpc = true};

static struct identity *id;

static void setup(void)
{
    id = identity_new(&cfg, &key);
}

static void teardown(void)
{
    identity_free(id);
}

static uint64_t user(const struct identity *who, const char *addr, struct fields f)
{
    const struct classify *c = identity_classify(who);
    struct sockaddr_in ip4 = {.sin_family = AF_INET};
    struct sockaddr_in6 ip6 = {.sin6_family = AF_INET6};
    struct request_view v = {.fields = &f, .field = get};

    if (addr != NULL && inet_pton(AF_INET, addr, &ip4.sin_addr) == 1)
        v.client = (struct sockaddr *)(void *)&ip4;
    else if (addr != NULL && inet_pton(AF_INET6, addr, &ip6.sin6_addr) == 1)
        v.client = (struct sockaddr *)(void *)&ip6;
    return c->user(c->ctx, &v);
}

#define FIELDS(...) ((struct fields)__VA_ARGS__)
#define NONE        FIELDS({{NULL}, {NULL}})

Test(identity, the_first_extractor_that_finds_something_decides, .init = setup,
     .fini = teardown)
{
    uint64_t by_header = user(id, "192.0.2.1", FIELDS({{"x-user"}, {"alice"}}));
    uint64_t by_cookie = user(id, "192.0.2.1", FIELDS({{"cookie"}, {"a=b; sid=77"}}));
    uint64_t by_addr = user(id, "192.0.2.1", NONE);

    cr_expect(by_header != 0 && by_cookie != 0 && by_addr != 0);
    cr_expect(by_header != by_cookie && by_cookie != by_addr && by_header != by_addr);
    cr_expect_eq(user(id, "192.0.2.9", FIELDS({{"x-user", "cookie"}, {"alice", "sid=77"}})),
                 by_header);
    cr_expect_eq(user(id, "192.0.2.1", FIELDS({{"x-user"}, {""}})), by_addr,
                 "an empty field is no field");
}

Test(identity, the_same_text_in_another_place_is_another_user, .init = setup,
     .fini = teardown)
{
    cr_expect_neq(user(id, NULL, FIELDS({{"x-user"}, {"7"}})),
                  user(id, NULL, FIELDS({{"cookie"}, {"sid=7"}})));
}

Test(identity, another_secret_makes_another_key, .init = setup, .fini = teardown)
{
    struct identity *other = identity_new(&cfg, &other_key);
    struct sip_key a = identity_secret("a"), b = identity_secret("b");

    cr_expect_neq(user(id, NULL, FIELDS({{"x-user"}, {"alice"}})),
                  user(other, NULL, FIELDS({{"x-user"}, {"alice"}})));
    cr_expect_neq(a.k0, b.k0);
    cr_expect_neq(a.k1, b.k1);
    cr_expect_neq(a.k0, a.k1);
    identity_free(other);
}

Test(identity, cookies_are_found_by_their_whole_name, .init = setup, .fini = teardown)
{
    uint64_t want = user(id, NULL, FIELDS({{"cookie"}, {"sid=7"}}));
    static const char *const same[] = {"sid=7;",      "a=1; sid=7", "a=1;sid=7; b=2",
                                       "; sid=7",     "a; sid=7",   "xsid=9; sid=7",
                                       "sid=7; sid=8"};
    static const char *const none[] = {"",       "sid",   "sid=",   "xsid=7",
                                       "sidx=7", "SID=7", "a=sid=7"};

    cr_assert_neq(want, 0);
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        cr_expect_eq(user(id, NULL, FIELDS({{"cookie"}, {same[i]}})), want, "%s", same[i]);
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        cr_expect_eq(user(id, NULL, FIELDS({{"cookie"}, {none[i]}})), 0, "%s", none[i]);
}

Test(identity, an_address_counts_with_its_agent_and_ipv6_by_its_network, .init = setup,
     .fini = teardown)
{
    uint64_t a = user(id, "192.0.2.1", FIELDS({{"user-agent"}, {"A"}}));

    cr_expect_neq(a, user(id, "192.0.2.1", FIELDS({{"user-agent"}, {"B"}})));
    cr_expect_neq(a, user(id, "192.0.2.2", FIELDS({{"user-agent"}, {"A"}})));
    cr_expect_eq(a, user(id, "::ffff:192.0.2.1", FIELDS({{"user-agent"}, {"A"}})));
    cr_expect_eq(user(id, "2001:db8::1", NONE), user(id, "2001:db8::2", NONE));
    cr_expect_neq(user(id, "2001:db8::1", NONE), user(id, "2001:db8:0:1::1", NONE));
    cr_expect_eq(user(id, NULL, NONE), 0, "no address, nobody");
}

Test(identity, who_asks_not_to_be_profiled_is_not, .init = setup, .fini = teardown)
{
    struct cfg_profiler off = cfg;
    struct identity *deaf;

    off.respect_gpc = false;
    deaf = identity_new(&off, &key);
    cr_expect_eq(user(id, NULL, FIELDS({{"x-user", "sec-gpc"}, {"alice", "1"}})), 0);
    cr_expect_neq(user(id, NULL, FIELDS({{"x-user", "sec-gpc"}, {"alice", "0"}})), 0);
    cr_expect_neq(user(deaf, NULL, FIELDS({{"x-user", "sec-gpc"}, {"alice", "1"}})), 0);
    identity_free(deaf);
}

static uint64_t trace(const char *who, const char *addr, const char *agent)
{
    struct identity_trace t = {who, addr, agent, strlen(who), strlen(addr), strlen(agent)};

    return identity_of_trace(id, &t);
}

Test(identity, a_person_in_a_log_is_the_same_person_live, .init = setup, .fini = teardown)
{
    struct cfg_profiler by_addr = {.identity = all + 2, .n_identity = 1};
    struct identity *addr_only = identity_new(&by_addr, &key);
    struct identity_trace t = {"u", "192.0.2.1", "A", 1, 9, 1};

    cr_expect_eq(trace("alice", "192.0.2.1", "A"),
                 user(id, NULL, FIELDS({{"x-user"}, {"alice"}})));
    cr_expect_eq(trace("", "192.0.2.1", "A"),
                 user(id, "192.0.2.1", FIELDS({{"user-agent"}, {"A"}})));
    cr_expect_eq(trace("", "2001:db8::1", ""), user(id, "2001:db8::5", NONE));
    cr_expect_eq(identity_of_trace(addr_only, &t),
                 user(addr_only, "192.0.2.1", FIELDS({{"user-agent"}, {"A"}})),
                 "a name in the log is not what the address extractor would see");
    identity_free(addr_only);
}

Test(identity, a_host_name_in_a_log_is_somebody, .init = setup, .fini = teardown)
{
    uint64_t a = trace("", "pppa006.example.com", "");

    cr_expect_neq(a, 0);
    cr_expect_neq(a, trace("", "pppa007.example.com", ""));
    cr_expect_eq(trace("", "", "A"), 0);
}

Test(identity, a_person_types_an_identifier_or_a_key, .init = setup, .fini = teardown)
{
    cr_expect_eq(identity_of_text(id, "header:X-User=alice"),
                 user(id, NULL, FIELDS({{"x-user"}, {"alice"}})));
    cr_expect_eq(identity_of_text(id, "cookie:sid=7=8"),
                 user(id, NULL, FIELDS({{"cookie"}, {"sid=7=8"}})));
    cr_expect_eq(identity_of_text(id, "address=192.0.2.1|A"),
                 user(id, "192.0.2.1", FIELDS({{"user-agent"}, {"A"}})));
    cr_expect_eq(identity_of_text(id, "00000000deadBEEF"), 0xdeadbeef);
    cr_expect_eq(identity_of_text(id, "cookie:other=7"), 0);
    cr_expect_eq(identity_of_text(id, "header:x-user="), 0);
    cr_expect_eq(identity_of_text(id, "deadbeef"), 0);
    cr_expect_eq(identity_of_text(id, "0x000000deadbeef"), 0);
    cr_expect_eq(identity_of_text(id, ""), 0);
}
