#include "base/clock.h"

#include <time.h>

#include "base/check.h"

static struct {
    mono_us origin; /* when virtual time began; 0: it is the wall clock */
    wall_ms start;
    double speed;
} virt = {.speed = 1};

mono_us clock_mono(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (mono_us)t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

wall_ms clock_wall(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (wall_ms)t.tv_sec * MS_PER_S + t.tv_nsec / 1000000;
}

void clock_set_virtual(wall_ms start, double speed)
{
    CHECK(speed >= 1);
    virt.start = start != 0 ? start : clock_wall();
    virt.speed = speed;
    virt.origin = start != 0 || speed > 1 ? clock_mono() : 0;
}

wall_ms clock_virtual(void)
{
    if (virt.origin == 0)
        return clock_wall();
    return virt.start + (wall_ms)((double)(clock_mono() - virt.origin) / 1000 * virt.speed);
}

double clock_speed(void)
{
    return virt.speed;
}
