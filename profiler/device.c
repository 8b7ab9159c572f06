#include "profiler/device.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#define LOOK_AT 256

#define DESKTOP (1 << 0)
#define ANDROID (1 << 1)
#define MOBILE  (1 << 2)
#define TABLET  (1 << 3)
#define TOOL    (1 << 4)
#define BOT     (1 << 5)

static const struct word {
    const char *text; /* lower case */
    uint8_t says;
} words[] = {
    {"android", ANDROID}, {"archiver", BOT},      {"axios", TOOL},     {"bot", BOT},
    {"crawl", BOT},       {"cros ", DESKTOP},     {"curl/", TOOL},     {"externalhit", BOT},
    {"feed", BOT},        {"go-http", TOOL},      {"ipad", TABLET},    {"iphone", MOBILE},
    {"ipod", MOBILE},     {"java/", TOOL},        {"kindle", TABLET},  {"libwww", TOOL},
    {"linux", DESKTOP},   {"macintosh", DESKTOP}, {"mobile", MOBILE},  {"monitor", BOT},
    {"okhttp", TOOL},     {"php/", TOOL},         {"phone", MOBILE},   {"python", TOOL},
    {"ruby", TOOL},       {"slurp", BOT},         {"spider", BOT},     {"tablet", TABLET},
    {"wget/", TOOL},      {"windows", DESKTOP},   {"wordpress/", BOT}, {"x11", DESKTOP},
};

#define STATES  256
#define CLASSES 32

/* Aho and Corasick (1975); class 0 is every byte that is in no word. */
struct device {
    uint8_t class_of[256];
    uint8_t next[STATES][CLASSES];
    uint8_t says[STATES];
};

static uint8_t class_for(struct device *d, char c, unsigned *n_classes)
{
    uint8_t *class = &d->class_of[(unsigned char)c];

    if (*class == 0) {
        *class = (uint8_t)++ * n_classes;
        CHECK(*n_classes < CLASSES);
        if (c >= 'a' && c <= 'z')
            d->class_of[(unsigned char)(c - 'a' + 'A')] = *class;
    }
    return *class;
}

static unsigned add_words(struct device *d)
{
    unsigned n_states = 1, n_classes = 0;

    for (size_t i = 0; i < N_ELEMS(words); i++) {
        unsigned at = 0;

        for (const char *p = words[i].text; *p != '\0'; p++) {
            uint8_t *next = &d->next[at][class_for(d, *p, &n_classes)];

            if (*next == 0) {
                CHECK(n_states < STATES);
                *next = (uint8_t)n_states++;
            }
            at = *next;
        }
        d->says[at] |= words[i].says;
    }
    return n_states;
}

/* Breadth first, so that a state's fallback is complete before the state is. */
static void add_fallbacks(struct device *d, unsigned n_states)
{
    uint8_t fallback[STATES] = {0}, queue[STATES];
    unsigned head = 0, tail = 0;

    queue[tail++] = 0;
    while (head < tail) {
        unsigned at = queue[head++];

        for (unsigned c = 1; c < CLASSES; c++) {
            uint8_t to = d->next[at][c], other = d->next[fallback[at]][c];

            if (to == 0) {
                d->next[at][c] = at == 0 ? 0 : other;
                continue;
            }
            fallback[to] = at == 0 ? 0 : other;
            d->says[to] |= d->says[fallback[to]];
            queue[tail++] = to;
        }
    }
    CHECK(tail == n_states);
}

struct device *device_new(void)
{
    struct device *d = MEM_NEW(struct device);

    add_fallbacks(d, add_words(d));
    return d;
}

void device_free(struct device *d)
{
    free(d);
}

/* An Android that does not call itself mobile is a tablet. */
static enum obs_device decide(unsigned says)
{
    if (says & BOT)
        return OBS_BOT;
    if (says & TOOL)
        return OBS_TOOL;
    if (says & TABLET || (says & ANDROID && !(says & MOBILE)))
        return OBS_TABLET;
    if (says & MOBILE)
        return OBS_MOBILE;
    return says & DESKTOP ? OBS_DESKTOP : OBS_UNKNOWN;
}

enum obs_device device_of(const struct device *d, const char *agent, size_t len)
{
    unsigned at = 0, says = 0;

    if (len > LOOK_AT)
        len = LOOK_AT;
    for (size_t i = 0; i < len; i++) {
        at = d->next[at][d->class_of[(unsigned char)agent[i]]];
        says |= d->says[at];
    }
    return decide(says);
}

const char *device_name(enum obs_device kind)
{
    static const char *const names[] = {
        [OBS_UNKNOWN] = "unknown", [OBS_DESKTOP] = "desktop", [OBS_MOBILE] = "mobile",
        [OBS_TABLET] = "tablet",   [OBS_BOT] = "bot",         [OBS_TOOL] = "tool",
    };

    return (unsigned)kind < N_ELEMS(names) ? names[kind] : "unknown";
}
