/* The load of the freeze test.

   probe ping    PORT PATH SECONDS START INTERVAL_US CONNECTIONS GRACE [SPLIT]
       Sends a request every INTERVAL_US, each on a keep-alive connection that is free, as independent users would: with
       enough CONNECTIONS no request waits for the answer to another. Latency counts from the moment at which the
       request was *due*, so a server that stands still is charged for every request it kept waiting (no
       coordinated omission). Requests due before SPLIT seconds and those after it are also reported apart. Requests
       that are unanswered GRACE seconds after the end count as failed, with the time they had waited by then.

   probe clients PORT PATH SECONDS START CONNECTIONS
       CONNECTIONS clients, each sending its next request as soon as its answer has come.

   START is a moment of CLOCK_MONOTONIC in nanoseconds, or 0 for now; the connections of `ping` are open and tried by then.
   The result is one line of JSON on standard output. */

#define _GNU_SOURCE
#include "http.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>

enum { MAXIMUM_CONNECTIONS = 1024 };

typedef struct {
    int fd;
    int busy;         /* a request is under way */
    int connected;    /* the first write went through */
    int64_t due;      /* when the request under way was due */
    int64_t retry;    /* no reconnecting before this moment */
    response_buffer in;
} connection;

static connection all[MAXIMUM_CONNECTIONS];
static struct pollfd polled[MAXIMUM_CONNECTIONS];
static char request[1024];
static int request_length;
static int port;
static volatile sig_atomic_t stopped;

static void stop(int signal) {
    (void)signal;
    stopped = 1;
}

static void wait_until(int64_t moment) {
    struct timespec t = {moment / 1000000000LL, moment % 1000000000LL};
    while (!stopped && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) {}
}

static int poll_until(int count, int64_t moment) {
    int64_t left = moment - now_ns();
    if (left < 0) left = 0;
    struct timespec t = {left / 1000000000LL, left % 1000000000LL};
    return ppoll(polled, (nfds_t)count, &t, NULL);
}

/* A load generator that waits for the processor would charge its own wait to the server. Real clients are elsewhere. */
static int be_prompt(void) {
    struct sched_param p = {.sched_priority = 1};
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    return sched_setscheduler(0, SCHED_FIFO, &p) == 0;
}

static void drop(connection *c) {
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
    c->busy = c->connected = 0;
    c->in.count = 0;
}

/* 1 sent, 0 not yet connected, -1 failed. Requests are small enough never to be written in part. */
static int send_request(connection *c) {
    ssize_t n = send(c->fd, request, (size_t)request_length, MSG_NOSIGNAL);
    if (n == request_length) {
        c->connected = 1;
        c->in.count = 0;
        return 1;
    }
    return n < 0 && (errno == EAGAIN || errno == ENOTCONN || errno == EINPROGRESS) ? 0 : -1;
}

/* A status, 0 for nothing yet, -1 for a broken connection. */
static int receive(connection *c, int *close_after) {
    for (;;) {
        int room = (int)sizeof c->in.bytes - 1 - c->in.count;
        if (room <= 0) return -1;
        ssize_t n = recv(c->fd, c->in.bytes + c->in.count, (size_t)room, 0);
        if (n < 0) return errno == EAGAIN || errno == EINTR ? 0 : -1;
        if (n == 0) return -1;
        c->in.count += (int)n;
        int status = response_status(&c->in, close_after);
        if (status) return status;
    }
}

static int ascending(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

typedef struct {
    int64_t *latency; /* of every request, answered or not */
    int64_t *late;    /* how late this program was with sending, where nothing but itself held it up */
    int count, late_count, failed, refused;
} phase;

/* The first phase has room for every request of the run. */
static void append(phase *to, const phase *from) {
    memcpy(to->latency + to->count, from->latency, (size_t)from->count * sizeof *from->latency);
    memcpy(to->late + to->late_count, from->late, (size_t)from->late_count * sizeof *from->late);
    to->count += from->count;
    to->late_count += from->late_count;
    to->failed += from->failed;
    to->refused += from->refused;
}

static double share(int64_t *sorted, int count, double q) {
    if (!count) return 0;
    int i = (int)(q * count);
    return (double)sorted[i < count ? i : count - 1] / 1e6;
}

static void print_phase(const char *name, phase *p) {
    qsort(p->latency, (size_t)p->count, sizeof *p->latency, ascending);
    qsort(p->late, (size_t)p->late_count, sizeof *p->late, ascending);
    printf(
        "\"%s\": {\"count\": %d, \"failed\": %d, \"refused\": %d, \"p50\": %.4f, \"p90\": %.4f, \"p99\": %.4f, "
        "\"max\": %.4f, \"own_p99\": %.4f}",
        name, p->count, p->failed, p->refused, share(p->latency, p->count, .5), share(p->latency, p->count, .9),
        share(p->latency, p->count, .99), share(p->latency, p->count, 1), share(p->late, p->late_count, .99));
}

/* Opens a connection and makes one request on it. */
static int open_and_try(connection *c) {
    int64_t patience = now_ns() + 5000000000LL;
    c->fd = start_connecting(port, 0);
    if (c->fd < 0) return 0;
    polled[0] = (struct pollfd){c->fd, POLLOUT, 0};
    if (poll_until(1, patience) != 1 || send_request(c) != 1) return 0;
    polled[0].events = POLLIN;
    int close_after = 0, status = 0;
    while (!status) {
        if (poll_until(1, patience) != 1) return 0;
        status = receive(c, &close_after);
    }
    return status == 200 && !close_after;
}

/* The connections that are free, in the order in which they became so: all take their turns, and with them all the
   server's loops. */
static connection *idle[MAXIMUM_CONNECTIONS];
static int idle_first, idle_count;

static void put_idle(connection *c) {
    c->busy = 0;
    idle[(idle_first + idle_count++) % MAXIMUM_CONNECTIONS] = c;
}

static connection *take_idle(void) {
    connection *c = idle[idle_first];
    idle_first = (idle_first + 1) % MAXIMUM_CONNECTIONS;
    idle_count--;
    return c;
}

static int events_of(int poller, connection *c) {
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    return epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &e);
}

static int ping(int64_t seconds_ns, int64_t start, int64_t interval, int connections, int64_t grace, int64_t split) {
    size_t room = (size_t)(seconds_ns / interval + 2);
    phase phases[2] = {0};
    for (int i = 0; i < 2; i++) {
        phases[i].latency = calloc(room, sizeof(int64_t));
        phases[i].late = calloc(room, sizeof(int64_t));
    }
    int poller = epoll_create1(EPOLL_CLOEXEC);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};
    epoll_ctl(poller, EPOLL_CTL_ADD, timer, &e);
    for (int i = 0; i < connections; i++) {
        if (!open_and_try(&all[i]) || events_of(poller, &all[i])) {
            fprintf(stderr, "probe: no answer on connection %d before the start\n", i + 1);
            return 1;
        }
        put_idle(&all[i]);
    }

    int prompt = be_prompt();
    if (!start) start = now_ns();
    if (now_ns() > start + 1000000) {
        fprintf(stderr, "probe: the connections were open too late\n");
        return 1;
    }
    wait_until(start);
    int64_t due = start, end = start + seconds_ns, deadline = end + grace, answered = 0;
    int under_way = 0;

    while (!stopped) {
        int64_t now = now_ns();
        if (now >= deadline || (due >= end && !under_way)) break;
        while (due < end && due <= now && idle_count) {
            connection *c = take_idle();
            phase *p = &phases[due - start >= split];
            if (c->fd >= 0 && send_request(c) == 1) {
                c->busy = 1;
                c->due = due;
                under_way++;
                now = now_ns();
                if (answered <= due) p->late[p->late_count++] = now - due;
            } else {
                /* The server closed it meanwhile. The request waits for the next moment with a fresh connection. */
                drop(c);
                p->failed++;
                p->latency[p->count++] = now - due;
                c->fd = start_connecting(port, 0);
                if (c->fd >= 0) events_of(poller, c);
                put_idle(c);
            }
            due += interval;
        }

        int64_t next = due < end && idle_count ? due : deadline;
        struct itimerspec at = {.it_value = {next / 1000000000LL, next % 1000000000LL}};
        timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
        struct epoll_event events[64];
        int count = epoll_wait(poller, events, 64, -1);
        for (int i = 0; i < count; i++) {
            connection *c = events[i].data.ptr;
            if (!c) continue;
            int close_after = 0;
            int status = receive(c, &close_after);
            if (!status) continue;
            answered = now_ns();
            int was_busy = c->busy;
            if (was_busy) {
                phase *p = &phases[c->due - start >= split];
                p->latency[p->count++] = answered - c->due;
                if (status < 0) p->failed++;
                else if (status != 200) p->refused++;
                under_way--;
            }
            if (status < 0 || close_after) drop(c);
            if (was_busy) put_idle(c);
        }
    }

    /* What was due and never answered has waited at least until now. */
    int64_t now = now_ns();
    for (int i = 0; i < connections; i++)
        if (all[i].busy) {
            phase *p = &phases[all[i].due - start >= split];
            p->latency[p->count++] = now - all[i].due;
            p->failed++;
        }
    for (; due < end && due <= now; due += interval) {
        phase *p = &phases[due - start >= split];
        p->latency[p->count++] = now - due;
        p->failed++;
    }

    printf("{\"prompt\": %s, ", prompt ? "true" : "false");
    print_phase("first", &phases[0]);
    printf(", ");
    print_phase("second", &phases[1]);
    printf(", ");
    append(&phases[0], &phases[1]);
    print_phase("whole", &phases[0]);
    printf("}\n");
    return 0;
}

static int clients(int64_t seconds_ns, int64_t start, int connections) {
    long answers[600] = {0}, sent = 0, broken = 0;
    if (!start) start = now_ns();
    for (int i = 0; i < connections; i++) all[i].fd = -1;
    wait_until(start);
    int64_t end = start + seconds_ns;

    while (!stopped && now_ns() < end) {
        int64_t now = now_ns(), next = end;
        for (int i = 0; i < connections; i++) {
            connection *c = &all[i];
            polled[i] = (struct pollfd){-1, 0, 0};
            if (c->fd < 0) {
                if (now < c->retry) {
                    if (c->retry < next) next = c->retry;
                    continue;
                }
                c->fd = start_connecting(port, 0);
                c->retry = now + 10000000;
                if (c->fd < 0) {
                    broken++;
                    continue;
                }
            }
            if (!c->busy) {
                int n = send_request(c);
                if (n == 1) {
                    c->busy = 1;
                    sent++;
                } else if (n < 0) {
                    broken++;
                    drop(c);
                    continue;
                }
            }
            polled[i] = (struct pollfd){c->fd, c->busy ? POLLIN : POLLOUT, 0};
        }
        poll_until(connections, next);
        for (int i = 0; i < connections; i++) {
            connection *c = &all[i];
            if (!polled[i].revents || !c->busy) continue;
            int close_after = 0;
            int status = receive(c, &close_after);
            if (!status) continue;
            if (status < 0) broken++;
            else if (status < 600) answers[status]++;
            c->busy = 0;
            if (status < 0 || close_after) drop(c);
        }
    }

    printf("{\"sent\": %ld, \"broken\": %ld, \"answers\": {", sent, broken);
    const char *separator = "";
    for (int i = 0; i < 600; i++)
        if (answers[i]) {
            printf("%s\"%d\": %ld", separator, i, answers[i]);
            separator = ", ";
        }
    printf("}}\n");
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 7) {
        fprintf(stderr, "usage: see the head of probe.c\n");
        return 2;
    }
    port = atoi(argv[2]);
    request_length =
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", argv[3], port);
    int64_t seconds = (int64_t)(atof(argv[4]) * 1e9), start = atoll(argv[5]);
    struct sigaction on_stop = {.sa_handler = stop};
    sigaction(SIGTERM, &on_stop, NULL);
    sigaction(SIGINT, &on_stop, NULL);

    int connections = atoi(argv[argc > 7 ? 7 : 6]);
    if (connections < 1 || connections > MAXIMUM_CONNECTIONS || seconds <= 0 || request_length >= (int)sizeof request)
        return 2;
    if (!strcmp(argv[1], "clients")) return clients(seconds, start, connections);
    if (strcmp(argv[1], "ping") || argc < 9 || atoll(argv[6]) <= 0) return 2;
    int64_t split = argc > 9 ? (int64_t)(atof(argv[9]) * 1e9) : seconds;
    return ping(seconds, start, atoll(argv[6]) * 1000, connections, (int64_t)(atof(argv[8]) * 1e9), split);
}
