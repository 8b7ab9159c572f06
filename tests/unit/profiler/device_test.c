#include "profiler/device.h"

#include <criterion/criterion.h>
#include <string.h>

Test(device, agents_are_told_apart)
{
    static const struct {
        const char *agent;
        enum obs_device want;
    } cases[] = {
        {"", OBS_UNKNOWN},
        {"-", OBS_UNKNOWN},
        {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 "
         "Safari/537.36",
         OBS_DESKTOP},
        {"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
         "Safari/605.1.15",
         OBS_DESKTOP},
        {"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36", OBS_DESKTOP},
        {"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148",
         OBS_MOBILE},
        {"Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/120.0 Mobile Safari/537.36",
         OBS_MOBILE},
        {"Mozilla/5.0 (Linux; Android 13; SM-X906C) Chrome/120.0 Safari/537.36",
         OBS_TABLET},
        {"Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) Mobile/15E148", OBS_TABLET},
        {"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
         OBS_BOT},
        {"Mozilla/5.0 (Linux; Android 6.0.1) Mobile Safari/537.36 (compatible; "
         "Googlebot/2.1)",
         OBS_BOT},
        {"Baiduspider+(+http://www.baidu.com/search/spider.htm)", OBS_BOT},
        {"curl/8.4.0", OBS_TOOL},
        {"python-requests/2.31", OBS_TOOL},
        {"GO-HTTP-CLIENT/1.1", OBS_TOOL},
        {"acurly/1", OBS_UNKNOWN},
        {"tabletop", OBS_TABLET},
        {"iphoiphone", OBS_MOBILE},
        {"androi android", OBS_TABLET},
    };
    struct device *d = device_new();

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect_eq(device_of(d, cases[i].agent, strlen(cases[i].agent)), cases[i].want,
                     "%s", cases[i].agent);
    device_free(d);
}

Test(device, only_the_beginning_is_read)
{
    struct device *d = device_new();
    char agent[400];

    memset(agent, 'x', sizeof(agent));
    memcpy(agent + 300, "curl/", 5);
    cr_expect_eq(device_of(d, agent, sizeof(agent)), OBS_UNKNOWN);
    memcpy(agent + 251, "curl/", 5);
    cr_expect_eq(device_of(d, agent, sizeof(agent)), OBS_TOOL);
    device_free(d);
}
