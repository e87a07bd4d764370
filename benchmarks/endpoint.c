/* The far ends of a benchmark in one process: a Kinesis endpoint that accepts everything, and a
 * file server for sources. One thread, epoll, loopback only, so that it costs next to nothing.
 *
 *   endpoint <delay ms> <folder>      prints its port and runs until its standard input closes
 *
 * POST /            PutRecords and PutRecord are answered after the delay, as long as the real answer;
 *                   DescribeStreamSummary, DescribeStream and ListShards name one open shard
 * GET  /-/delay/<n> answers and delays by n ms from then on
 * GET  /-/url/<n>   after the delay, the folder's `url.json` with the numbers of its records, ten or so,
 *                   raised by n times their count; or 404 if n ends in 07 and URLs are to fail
 * GET  /-/fail/<0|1> answers; from then on some URLs fail, or none
 * GET  /<file>      that file of the folder
 * PUT  anything     is taken, as S3 takes an object
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 4096, READ_AT_LEAST = 1 << 20, MAX_NUMBERS = 100, NUMBER_DIGITS = 9, FAILS_EVERY = 100 };

typedef struct Connection {
    int socket, file;
    off_t file_left;
    char *in, *out;
    size_t in_length, in_room, out_length, out_room, out_sent;
    double due;
    struct Connection *next; /* in the queue of delayed answers: one delay, so first in is first due */
} Connection;

static Connection *connections[MAX_CONNECTIONS];
static Connection *first_delayed, *last_delayed;
static int poller;
static double delay_seconds;
static const char *folder;
static int some_fail;
static char *template; /* of what a URL answers */
static size_t template_length, numbers, number_at[MAX_NUMBERS];
static long first_number;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void room(char **buffer, size_t *has, size_t needed) {
    if (*has >= needed) return;
    *has = needed * 2;
    if (!(*buffer = realloc(*buffer, *has))) exit(1);
}

static void say(Connection *c, const char *format, ...) {
    va_list arguments;
    room(&c->out, &c->out_room, c->out_length + 4096);
    va_start(arguments, format);
    c->out_length += vsnprintf(c->out + c->out_length, 4096, format, arguments);
    va_end(arguments);
}

static void answer(Connection *c, const char *body) {
    say(c, "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nx-amzn-RequestId: bench\r\n"
           "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
}

static void watch(Connection *c, int events) {
    struct epoll_event event = {.events = events, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->socket, &event);
}

static void drop(Connection *c) {
    if (c->file >= 0) close(c->file);
    connections[c->socket] = NULL;
    close(c->socket);
    free(c->in);
    free(c->out);
    free(c);
}

static int push(Connection *c) {
    while (c->out_sent < c->out_length) {
        ssize_t sent = send(c->socket, c->out + c->out_sent, c->out_length - c->out_sent, MSG_NOSIGNAL);
        if (sent < 0) return errno == EAGAIN ? (watch(c, EPOLLOUT), 1) : 0;
        c->out_sent += sent;
    }
    while (c->file >= 0 && c->file_left > 0) {
        ssize_t sent = sendfile(c->socket, c->file, NULL, c->file_left);
        if (sent <= 0) return sent < 0 && errno == EAGAIN ? (watch(c, EPOLLOUT), 1) : 0;
        c->file_left -= sent;
    }
    if (c->file >= 0) close(c->file);
    c->file = -1;
    c->out_length = c->out_sent = 0;
    watch(c, EPOLLIN);
    return 1;
}

static size_t count(const char *text, size_t length, const char *word) {
    size_t found = 0, word_length = strlen(word);
    const char *end = text + length;
    while ((text = memmem(text, end - text, word, word_length))) found++, text += word_length;
    return found;
}

static void later(Connection *c) {
    if (delay_seconds <= 0) return;
    c->due = now() + delay_seconds;
    c->next = NULL;
    if (last_delayed) last_delayed->next = c;
    else first_delayed = c;
    last_delayed = c;
}

static void put(Connection *c, const char *body, size_t length, int many) {
    static const char one[] = "{\"SequenceNumber\":\"49658563412345678901234567890123456789012345678901234567\","
                              "\"ShardId\":\"shardId-000000000000\"}";
    size_t entries = many ? count(body, length, "\"PartitionKey\"") : 1;
    if (!many) {
        answer(c, one);
    } else {
        static const char head[] = "{\"FailedRecordCount\":0,\"Records\":[";
        size_t size = sizeof head - 1 + entries * sizeof one - 1 + 2;
        say(c, "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nx-amzn-RequestId: bench\r\n"
               "Content-Length: %zu\r\n\r\n%s", size, head);
        room(&c->out, &c->out_room, c->out_length + size);
        for (size_t i = 0; i < entries; i++) {
            memcpy(c->out + c->out_length, one, sizeof one - 1);
            c->out_length += sizeof one - 1;
            c->out[c->out_length++] = i + 1 < entries ? ',' : ']';
        }
        c->out[c->out_length++] = '}';
    }
    later(c);
}

static void post(Connection *c, const char *head, const char *body, size_t length) {
    static const char shard[] = "{\"ShardId\":\"shardId-000000000000\",\"HashKeyRange\":{\"StartingHashKey\":\"0\","
        "\"EndingHashKey\":\"340282366920938463463374607431768211455\"},"
        "\"SequenceNumberRange\":{\"StartingSequenceNumber\":\"1\"}}";
    char text[2048];
    if (strcasestr(head, "Kinesis_20131202.PutRecords\r")) put(c, body, length, 1);
    else if (strcasestr(head, "Kinesis_20131202.PutRecord\r")) put(c, body, length, 0);
    else if (strcasestr(head, "ListShards")) {
        snprintf(text, sizeof text, "{\"Shards\":[%s]}", shard);
        answer(c, text);
    } else {
        const char *kind = strcasestr(head, "Summary") ? "StreamDescriptionSummary" : "StreamDescription";
        snprintf(text, sizeof text,
            "{\"%s\":{\"StreamName\":\"bench\",\"StreamARN\":\"arn:aws:kinesis:us-east-1:000000000000:stream/bench\","
            "\"StreamStatus\":\"ACTIVE\",\"RetentionPeriodHours\":24,\"StreamCreationTimestamp\":1,"
            "\"EnhancedMonitoring\":[{\"ShardLevelMetrics\":[]}],\"OpenShardCount\":1,\"HasMoreShards\":false,"
            "\"Shards\":[%s]}}", kind, shard);
        answer(c, text);
    }
}

static int read_template(void) {
    static const char mark[] = "\"id\":";
    char path[512], *found;
    FILE *file;
    snprintf(path, sizeof path, "%s/url.json", folder);
    if (!(file = fopen(path, "r")) || !(template = malloc(READ_AT_LEAST))) return 0;
    template_length = fread(template, 1, READ_AT_LEAST - 1, file);
    fclose(file);
    template[template_length] = 0;
    for (found = template; (found = strstr(found, mark)) && numbers < MAX_NUMBERS;) {
        found += sizeof mark - 1;
        if (!numbers) first_number = atol(found);
        number_at[numbers++] = found - template;
    }
    return numbers > 0;
}

static void url(Connection *c, long n) {
    char digits[24];
    later(c);
    if (!template && !read_template()) exit(1);
    if (some_fail && n % FAILS_EVERY == 7) {
        say(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        return;
    }
    say(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", template_length);
    room(&c->out, &c->out_room, c->out_length + template_length);
    char *body = memcpy(c->out + c->out_length, template, template_length);
    c->out_length += template_length;
    for (size_t i = 0; i < numbers; i++) {
        snprintf(digits, sizeof digits, "%0*ld", NUMBER_DIGITS, first_number + n * (long)numbers + (long)i);
        memcpy(body + number_at[i], digits, NUMBER_DIGITS);
    }
}

static void get(Connection *c, const char *path) {
    char text[512];
    struct stat about;
    if (!strncmp(path, "-/url/", 6)) {
        url(c, atol(path + 6));
    } else if (!strncmp(path, "-/fail/", 7)) {
        some_fail = atoi(path + 7);
        answer(c, "{}");
    } else if (!strncmp(path, "-/delay/", 8)) {
        delay_seconds = atof(path + 8) / 1000;
        answer(c, "{}");
    } else {
        snprintf(text, sizeof text, "%s/%s", folder, path);
        if (strstr(path, "..") || stat(text, &about) || (c->file = open(text, O_RDONLY)) < 0) {
            say(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
            return;
        }
        c->file_left = about.st_size;
        say(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %lld\r\n\r\n",
            (long long)about.st_size);
    }
}

/* 1: goes on, 0: to be dropped */
static int take(Connection *c) {
    char *head_end, *found, path[256] = "";
    size_t head_length, body_length = 0;
    if (!c->in_length || !(head_end = memmem(c->in, c->in_length, "\r\n\r\n", 4))) return 1;
    head_length = head_end - c->in + 4;
    *head_end = 0;
    if ((found = strcasestr(c->in, "\r\ncontent-length:"))) body_length = strtoull(found + 17, NULL, 10);
    if (c->in_length < head_length + body_length) {
        *head_end = '\r';
        room(&c->in, &c->in_room, head_length + body_length + READ_AT_LEAST);
        return 1;
    }
    c->due = 0;
    if (sscanf(c->in, "GET /%255s", path) == 1) get(c, path);
    else if (!strncmp(c->in, "PUT ", 4)) say(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    else {
        head_end[0] = '\r', head_end[1] = 0; /* so that the last header ends as the others do */
        post(c, c->in, c->in + head_length, body_length);
    }
    c->in_length -= head_length + body_length;
    memmove(c->in, c->in + head_length + body_length, c->in_length);
    if (c->due > 0) return watch(c, 0), 1;
    return push(c);
}

static int pull(Connection *c) {
    for (;;) {
        room(&c->in, &c->in_room, c->in_length + READ_AT_LEAST);
        ssize_t received = recv(c->socket, c->in + c->in_length, c->in_room - c->in_length, 0);
        if (received == 0) return 0;
        if (received < 0) return errno == EAGAIN ? take(c) : 0;
        c->in_length += received;
    }
}

static void welcome(int listener) {
    int one = 1, socket;
    while ((socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0 && socket < MAX_CONNECTIONS) {
        Connection *c = connections[socket] = calloc(1, sizeof *c);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        c->socket = socket;
        c->file = -1;
        epoll_ctl(poller, EPOLL_CTL_ADD, socket, &event);
    }
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    struct epoll_event events[256], event = {.events = EPOLLIN};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (argc != 3 || bind(listener, (void *)&address, length) || listen(listener, 512)) return 1;
    delay_seconds = atof(argv[1]) / 1000;
    folder = argv[2];
    getsockname(listener, (void *)&address, &length);
    poller = epoll_create1(0);
    event.data.ptr = &listener;
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    event.data.ptr = NULL; /* standard input: its end is ours */
    epoll_ctl(poller, EPOLL_CTL_ADD, 0, &event);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        int wait_ms = -1;
        if (first_delayed) {
            double left = first_delayed->due - now();
            wait_ms = left > 0 ? (int)(left * 1000) : 0;
        }
        int ready = epoll_wait(poller, events, 256, wait_ms);
        for (int i = 0; i < ready; i++) {
            Connection *c = events[i].data.ptr;
            if (!c) return 0;
            if ((void *)c == (void *)&listener) welcome(listener);
            else if (events[i].events & (EPOLLERR | EPOLLHUP)) { if (!(c->due > now())) drop(c); }
            else if (!(events[i].events & EPOLLOUT ? push(c) : pull(c))) drop(c);
        }
        while (first_delayed && first_delayed->due <= now()) {
            Connection *c = first_delayed;
            if (!(first_delayed = c->next)) last_delayed = NULL;
            c->due = 0;
            if (!push(c)) drop(c);
        }
    }
}
