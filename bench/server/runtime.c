/* A runtime that costs next to nothing: it answers with prepared bytes. runtime.py is the same program in Python.
 *
 * BENCH_DATA names the file of what it says: records of a head line "NAME LENGTH", that many bytes, and a newline. NAME
 * is an RPC method, whose bytes are its result; "before:" and a method are the lines that come before its answer.
 * BENCH_RATE is how many of these lines go out a second; 0 is as fast as the pipe takes them.
 * Twenty zeros in an answer, and in a line that goes out at a rate, become the monotonic clock in nanoseconds.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RECORDS 16
#define STAMP "00000000000000000000"
#define STAMP_SIZE 20
#define BILLION 1000000000LL

typedef struct {
    const char *name;
    size_t name_size;
    const char *data;
    size_t size;
} Record;

static Record records[RECORDS];
static int record_count;

static char *out;  /* each answer goes out with a write of its own, as those of the real runtime do */
static size_t out_size, out_room;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void put(const char *data, size_t size)
{
    while (size) {
        ssize_t done = write(1, data, size);
        if (done < 0)
            exit(1);
        data += done;
        size -= done;
    }
}

static void flush(void)
{
    put(out, out_size);
    out_size = 0;
}

static void append(const char *data, size_t size)
{
    if (out_size + size > out_room) {
        out_room = 2 * (out_size + size);
        out = realloc(out, out_room);
        if (!out)
            die("realloc");
    }
    memcpy(out + out_size, data, size);
    out_size += size;
}

static long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * BILLION + t.tv_nsec;
}

static void stamp(char *data, size_t size)
{
    char digits[STAMP_SIZE + 1];
    char *place = memmem(data, size, STAMP, STAMP_SIZE);
    if (place) {
        snprintf(digits, sizeof digits, "%020lld", now());
        memcpy(place, digits, STAMP_SIZE);
    }
}

static void load(const char *path)
{
    struct stat info;
    int file = open(path, O_RDONLY);
    if (file < 0 || fstat(file, &info) < 0)
        die(path);
    const char *at = mmap(NULL, info.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (at == MAP_FAILED)
        die(path);
    const char *end = at + info.st_size;
    while (at < end && record_count < RECORDS) {
        const char *space = memchr(at, ' ', end - at);
        const char *newline = memchr(at, '\n', end - at);
        if (!space || !newline || space > newline)
            break;
        Record *record = &records[record_count++];
        *record = (Record){at, space - at, newline + 1, strtoull(space + 1, NULL, 10)};
        at = record->data + record->size + 1;
    }
}

static const Record *find(const char *name, size_t size)
{
    for (int i = 0; i < record_count; i++)
        if (records[i].name_size == size && !memcmp(records[i].name, name, size))
            return &records[i];
    return NULL;
}

static void run(const Record *record, long long rate)
{
    if (!rate) {
        put(record->data, record->size);
        return;
    }
    long long start = now(), count = 0;
    const char *at = record->data, *end = at + record->size;
    while (at < end) {
        const char *next = (const char *)memchr(at, '\n', end - at) + 1;
        long long due = start + count++ * BILLION / rate;
        struct timespec when = {due / BILLION, due % BILLION};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL);
        char line[4096];
        size_t size = next - at;
        if (size > sizeof line)
            exit(1);
        memcpy(line, at, size);
        stamp(line, size);
        put(line, size);
        at = next;
    }
}

/* The value behind a key, without the blanks that some clients write. */
static const char *value(const char *line, size_t size, const char *key)
{
    const char *at = memmem(line, size, key, strlen(key));
    if (!at)
        return NULL;
    at += strlen(key);
    while (*at == ' ')
        at++;
    return at;
}

static void handle(const char *line, size_t size, long long rate)
{
    const char *id = value(line, size, "\"id\":");
    const char *method = value(line, size, "\"method\":");
    if (!id || !method)
        return;
    method++;
    size_t method_size = (const char *)memchr(method, '"', line + size - method) - method;
    char before[128] = "before:";
    if (method_size > sizeof before - 8)
        return;
    memcpy(before + 7, method, method_size);
    const Record *lines = find(before, 7 + method_size);
    if (lines)
        run(lines, rate);
    char head[64];
    append(head, snprintf(head, sizeof head, "{\"jsonrpc\":\"2.0\",\"id\":%lld,\"result\":", strtoll(id, NULL, 10)));
    const Record *result = find(method, method_size);
    size_t begin = out_size;
    append(result ? result->data : "{}", result ? result->size : 2);
    if (out_size - begin < 4096)
        stamp(out + begin, out_size - begin);
    append("}\n", 2);
    flush();
}

int main(void)
{
    const char *rate_text = getenv("BENCH_RATE");
    long long rate = rate_text ? atoll(rate_text) : 0;
    const char *path = getenv("BENCH_DATA");
    if (!path)
        return 2;
    load(path);
    size_t room = 1 << 20, kept = 0;
    char *in = malloc(room);
    for (;;) {
        if (kept == room)
            in = realloc(in, room *= 2);
        ssize_t got = in ? read(0, in + kept, room - kept) : -1;
        if (got <= 0)
            return got < 0;
        kept += got;
        char *at = in, *newline;
        while ((newline = memchr(at, '\n', in + kept - at))) {
            handle(at, newline - at, rate);
            at = newline + 1;
        }
        kept -= at - in;
        memmove(in, at, kept);
    }
}
