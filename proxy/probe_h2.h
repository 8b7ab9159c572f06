/*
 * probe_h2.h - a probe's question in HTTP/2: a GET, or a call of gRPC's health service.
 *
 * The service is grpc.health.v1.Health with its one call, Check (gRPC Health Checking
 * Protocol); its messages have a field each and are written and read here.
 */
#ifndef PROXY_PROBE_H2_H
#define PROXY_PROBE_H2_H

#include "proxy/probe_talk.h"

#define PROBE_H2_SERVICE_MAX 255 /* bytes of a gRPC service's name */

/* The plan is borrowed. */
struct probe_talk *probe_h2_new(const struct probe_plan *plan, bool secure);

#endif
