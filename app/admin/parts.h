/*
 * parts.h - what the handlers of the admin endpoint work on.
 */
#ifndef APP_ADMIN_PARTS_H
#define APP_ADMIN_PARTS_H

#include "app/wire.h"

struct trail;

struct parts {
    struct wire *wire;
    struct trail *trail;
    wall_ms started; /* the process, near enough */
};

#endif
