/*
 * metric_table.h - every metric of /metrics, once: what it is called and where it is from.
 *
 *   X(scope, name, type, help, value)
 *
 * The scope says for what a sample is written and which labels it has.  All names begin
 * with tidegate_, which METRIC_NAME() adds.  `value` is an expression over the place `p`
 * (scrape.c); a histogram's is a `struct hist_view`.
 * docs/admin.md has the same names and texts; a unit test compares.
 */
#ifndef APP_ADMIN_METRIC_TABLE_H
#define APP_ADMIN_METRIC_TABLE_H

#define METRIC_NAME(name) "tidegate_" #name

/* Scopes with their labels. */
#define METRIC_SCOPES(X)                                                                   \
    X(PROCESS, "")                                                                         \
    X(BUILD, "version")                                                                    \
    X(REFUSAL, "reason")                                                                   \
    X(LOG, "log")                                                                          \
    X(TLS_FAULT, "reason")                                                                 \
    X(SERVICE, "service")                                                                  \
    X(CODE, "service, code")                                                               \
    X(ERROR, "service, reason")                                                            \
    X(DENIAL, "service, reason")                                                           \
    X(CODING, "service, algorithm")                                                        \
    X(BYPASS, "service, reason")                                                           \
    X(MIRROR, "service, outcome")                                                          \
    X(HORIZON, "service, horizon")                                                         \
    X(MODE, "service, mode")                                                               \
    X(TIER, "service, tier")                                                               \
    X(STATE, "service, tier, state")                                                       \
    X(BACKEND, "service, tier, backend")                                                   \
    X(PROFILER, "")

/* clang-format off */
#define METRIC_TABLE_PROCESS(X) \
X(BUILD, build_info, GAUGE, "Always 1; the label says which tidegate runs", 1) \
X(PROCESS, start_time_seconds, GAUGE, "Unix time at which the process started", p->in->start_s) \
X(PROCESS, uptime_seconds, GAUGE, "Time since the process started", p->in->up_s) \
X(PROCESS, clock_speed, GAUGE, "Seconds of virtual time in a second", p->in->clock_speed) \
X(PROCESS, clock_virtual_seconds, GAUGE, "Unix time in which demand, profiles and plans live", p->in->virtual_s) \
X(PROCESS, connections, GAUGE, "Client connections open now", p->in->totals.connections) \
X(PROCESS, h2_connections, GAUGE, "Of these, connections that speak HTTP/2", p->in->totals.h2_connections) \
X(PROCESS, max_connections, GAUGE, "Client connections that may be open at once", p->in->totals.max_connections) \
X(PROCESS, connections_total, COUNTER, "Client connections accepted", p->in->totals.accepted) \
X(PROCESS, accept_pauses_total, COUNTER, "Times a worker stopped accepting: too many connections or files", p->in->totals.accept_pauses) \
X(PROCESS, connections_handed_over_total, COUNTER, "Connections given to a less loaded worker", p->in->totals.handed_over) \
X(PROCESS, requests_total, COUNTER, "Requests read, refused ones included", p->in->totals.requests) \
X(PROCESS, h2_requests_total, COUNTER, "Of these, requests that came over HTTP/2", p->in->totals.h2_requests) \
X(REFUSAL, requests_refused_total, COUNTER, "Requests refused for what they were, by us", p->in->totals.refused[p->i]) \
X(PROCESS, exchanges, GAUGE, "Requests being served now", p->in->totals.exchanges) \
X(PROCESS, received_bytes_total, COUNTER, "Bytes from clients", p->in->totals.bytes_in) \
X(PROCESS, sent_bytes_total, COUNTER, "Bytes to clients", p->in->totals.bytes_out) \
X(PROCESS, upstream_connections, GAUGE, "Connections to backends open now", p->in->totals.upstream_connections) \
X(PROCESS, h2_upstream_connections, GAUGE, "Of these, connections that speak HTTP/2", p->in->totals.h2_upstream_connections) \
X(PROCESS, upstream_connections_opened_total, COUNTER, "Connections opened to backends", p->in->totals.upstream_opened) \
X(PROCESS, upstream_connections_reused_total, COUNTER, "Requests sent on a connection that was open already", p->in->totals.upstream_reused) \
X(PROCESS, upstream_connections_stale_total, COUNTER, "Of these, sent again because the backend had closed the connection", p->in->totals.upstream_stale) \
X(PROCESS, tls_handshakes_total, COUNTER, "TLS handshakes with clients that were completed", p->in->totals.tls_down.handshakes) \
X(PROCESS, tls_resumed_total, COUNTER, "Of these, those that resumed a session", p->in->totals.tls_down.resumed) \
X(TLS_FAULT, tls_failed_total, COUNTER, "TLS handshakes with clients that came to nothing", p->in->totals.tls_down.failed[p->i]) \
X(PROCESS, upstream_tls_handshakes_total, COUNTER, "TLS handshakes with backends that were completed, but for probes", p->in->totals.tls_up.handshakes) \
X(PROCESS, upstream_tls_resumed_total, COUNTER, "Of these, those that resumed a session", p->in->totals.tls_up.resumed) \
X(TLS_FAULT, upstream_tls_failed_total, COUNTER, "TLS handshakes with backends that came to nothing", p->in->totals.tls_up.failed[p->i]) \
X(PROCESS, slow_turns_total, COUNTER, "Turns of a worker's loop that took over 10 ms", p->in->totals.slow_turns) \
X(PROCESS, main_slow_turns_total, COUNTER, "Turns of the main loop that took over 10 ms", p->in->main_slow_turns) \
X(PROCESS, config_reloads_total, COUNTER, "Times the configuration was read again", p->in->reloads) \
X(PROCESS, config_last_reload_success, GAUGE, "1 unless the newest reload failed", p->in->reload_ok) \
X(PROCESS, config_last_reload_timestamp_seconds, GAUGE, "Unix time of the newest reload; 0 before the first", p->in->reload_s) \
X(PROCESS, access_log_lost_total, COUNTER, "Requests that found no room on their way to the access logs", p->in->totals.access_lost) \
X(LOG, access_log_lines_total, COUNTER, "Lines written", p->log->figures.lines) \
X(LOG, access_log_dropped_total, COUNTER, "Lines that found no room while it could not be written", p->log->figures.dropped) \
X(LOG, access_log_ok, GAUGE, "0 while it cannot be opened again or cannot be written", p->log->figures.ok) \
X(PROCESS, store_ok, GAUGE, "0 when the store could not be opened or fails", p->in->store_ok)

#define METRIC_TABLE_SERVICE(X) \
X(SERVICE, service_arrivals_total, COUNTER, "Original demand: requests routed, repeats by clients left out", p->load->arrivals) \
X(SERVICE, service_client_retries_total, COUNTER, "Failed requests that a client sent again", p->load->client_retries) \
X(SERVICE, service_proxy_retries_total, COUNTER, "Attempts beyond a request's first", p->load->proxy_retries) \
X(SERVICE, service_held_total, COUNTER, "Requests that had to wait for a slot", p->load->held) \
X(SERVICE, service_shed_total, COUNTER, "Requests refused at once: queue full or the wait too long", p->load->shed) \
X(SERVICE, service_timed_out_total, COUNTER, "Requests that waited for a slot in vain", p->load->timed_out) \
X(SERVICE, service_refused_total, COUNTER, "Requests that found no backend up", p->load->refused) \
X(SERVICE, service_left_total, COUNTER, "Requests whose client left while they waited for a slot", p->load->left) \
X(SERVICE, service_queue, GAUGE, "Requests waiting for a slot now", p->load->queued) \
X(SERVICE, service_oldest_wait_seconds, GAUGE, "How long the first of them has waited", p->wait_s) \
X(SERVICE, service_long_streams, GAUGE, "Tunnels and exchanges older than 30 s", p->load->long_streams) \
X(CODE, service_responses_total, COUNTER, "Answers to clients by class of their status; none: nothing was sent", p->load->status[p->i]) \
X(ERROR, service_errors_total, COUNTER, "Requests that did not end as a complete answer of a backend", p->load->errors[p->i]) \
X(TIER, tier_admitted_total, COUNTER, "Requests that got a backend of the tier", p->tier_load->admitted) \
X(TIER, tier_completed_total, COUNTER, "Requests answered in full by it", p->tier_load->completed) \
X(TIER, tier_attempts_total, COUNTER, "Requests sent to it, retries included", p->tier_load->attempts) \
X(TIER, tier_inflight, GAUGE, "Requests on it now", p->tier_load->inflight) \
X(TIER, tier_busy_seconds_total, COUNTER, "Integral of the requests in flight over time", (double)p->tier_load->busy_us / US_PER_S_F) \
X(TIER, tier_sent_bytes_total, COUNTER, "Bytes of requests to its backends", p->tier_load->bytes_up) \
X(TIER, tier_received_bytes_total, COUNTER, "Bytes of answers from its backends", p->tier_load->bytes_down) \
X(TIER, tier_latency_seconds, HISTOGRAM, "Routing to the last byte from the backend, completed requests", p->tier_load->latency) \
X(STATE, pool_backends, GAUGE, "Backends by state", p->pool->in_state[p->i]) \
X(TIER, pool_wanted, GAUGE, "Backends the scaler wants", p->plan->wanted[p->tier]) \
X(TIER, pool_actual, GAUGE, "Backends there are, starting and draining ones included", p->plan->actual[p->tier]) \
X(BACKEND, backend_up, GAUGE, "1 when it takes requests", census_state_of(p->backend) == CENSUS_READY) \
X(BACKEND, backend_inflight, GAUGE, "Requests on it now", p->backend->inflight) \
X(BACKEND, backend_connections, GAUGE, "Connections to it now", p->backend->connections) \
X(BACKEND, backend_requests_total, COUNTER, "Requests that ended on it", p->backend->requests) \
X(BACKEND, backend_failures_total, COUNTER, "Requests that failed on it", p->backend->failures) \
X(BACKEND, backend_ejections_total, COUNTER, "Times it was taken out for failing", p->backend->ejections) \
X(BACKEND, backend_latency_seconds, GAUGE, "Moving average, as the balancer sees it; 0: none yet", p->backend->ewma_us / US_PER_S_F)

#define METRIC_TABLE_EDGE(X) \
X(DENIAL, service_denied_total, COUNTER, "Requests refused at the edge, before they counted as demand", p->edge->denied[p->i]) \
X(SERVICE, service_credentials_known_total, COUNTER, "Passwords and tokens that had been checked before", p->edge->auth_known[0]) \
X(SERVICE, service_credentials_checked_total, COUNTER, "Passwords and tokens that were checked, and questions to an authentication service", p->edge->auth_checked[0]) \
X(CODING, service_compressed_total, COUNTER, "Answers that were compressed", p->edge->compressed[p->i]) \
X(BYPASS, service_compression_bypassed_total, COUNTER, "Answers that were not, though compression is configured", p->edge->bypassed[p->i]) \
X(SERVICE, service_compression_input_bytes_total, COUNTER, "Bytes of answers before they were compressed", p->edge->plain_bytes[0]) \
X(SERVICE, service_compression_output_bytes_total, COUNTER, "Bytes of answers after they were compressed", p->edge->coded_bytes[0]) \
X(SERVICE, service_error_pages_total, COUNTER, "Error pages sent", p->edge->pages[0]) \
X(MIRROR, service_mirrored_total, COUNTER, "Copies of requests for another service, by what became of them", p->edge->mirrored[p->i])

#define METRIC_TABLE_BRAIN(X) \
X(SERVICE, demand_requests_per_second, GAUGE, "Original demand over the last 30 s of virtual time", p->plan->rps) \
X(HORIZON, forecast_requests_per_second, GAUGE, "Median forecast of demand", p->plan->forecast_rps[p->i]) \
X(HORIZON, forecast_high_requests_per_second, GAUGE, "The quantile of the forecast that is planned for", p->plan->quantile_rps[p->i]) \
X(SERVICE, instance_capacity_requests_per_second, GAUGE, "Planned work of one ready instance", p->plan->capacity_rps) \
X(SERVICE, resource_utilization, GAUGE, "Ready and starting backends over the tiers' maxima", p->plan->resource_utilization) \
X(SERVICE, plans_total, COUNTER, "Plans made", p->plan->plans) \
X(SERVICE, instance_failures_total, COUNTER, "Instances that did not come up or died", p->plan->instance_failures) \
X(SERVICE, scaler_degraded, GAUGE, "0: all as configured, 1: without the users' outlook, 2: reacting only", p->plan->degraded) \
X(SERVICE, provider_ok, GAUGE, "0 while its provider failed lately and is left alone", p->plan->provider_ok) \
X(MODE, scaler_mode, GAUGE, "1 for the mode the scaler is in", (int)p->plan->mode == p->i) \
X(PROFILER, profiler_users, GAUGE, "Users with a profile in memory", p->in->users.users) \
X(PROFILER, profiler_active_users, GAUGE, "Users in a session now", p->in->users.active_users) \
X(PROFILER, profiler_sessions_total, COUNTER, "Sessions seen", p->in->users.sessions) \
X(PROFILER, profiler_expired_total, COUNTER, "Users let go after profiler.keep", p->in->users.expired) \
X(PROFILER, profiler_observations_total, COUNTER, "Observations taken in", p->in->users.observations) \
X(PROFILER, profiler_observations_dropped_total, COUNTER, "Observations lost to full rings", p->in->users.dropped) \
X(PROFILER, profiler_templates, GAUGE, "Resource templates published", p->in->users.templates) \
X(PROFILER, profiler_store_errors_total, COUNTER, "Writes and reads of profiles that failed", p->in->users.store_errors) \
X(PROFILER, profiler_guesses_total, COUNTER, "Next resources guessed by the sequence model", p->in->users.tokens) \
X(PROFILER, profiler_top1_ratio, GAUGE, "Share of its first guesses that were right", p->in->users.top1)
/* clang-format on */

#define METRIC_TABLE(X)                                                                    \
    METRIC_TABLE_PROCESS(X)                                                                \
    METRIC_TABLE_SERVICE(X)                                                                \
    METRIC_TABLE_EDGE(X)                                                                   \
    METRIC_TABLE_BRAIN(X)

#endif
