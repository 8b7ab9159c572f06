/*
 * local.h - the provider of child processes on this machine.
 *
 * An instance is a process with a port of its own from the configured range, started from
 * the command template (words.h), in its own process group (child.h).  It serves once its
 * port takes connections.  Ended by SIGTERM to the group, SIGKILL after stop_timeout.
 *
 * One for all services, so that no two are given the same port.
 */
#ifndef SCALER_PROVIDER_LOCAL_H
#define SCALER_PROVIDER_LOCAL_H

#include "scaler/provider/provider.h"

struct provider *local_new(void);

#endif
