/*
 * probe_h1.h - a probe's question in HTTP/1.1: a GET with Connection: close.
 */
#ifndef PROXY_PROBE_H1_H
#define PROXY_PROBE_H1_H

#include "proxy/probe_talk.h"

/* The plan is borrowed. */
struct probe_talk *probe_h1_new(const struct probe_plan *plan);

#endif
