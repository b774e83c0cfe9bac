/* A second process of the same client: this program again, at the other end of a socket. */
#ifndef QUOTA_TWIN_H
#define QUOTA_TWIN_H
#include "fill.h"
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int line = -1;
/* Set, the other process is another client's. */
static const char *other_client;
static pid_t twin;

static void answer(char word)
{
    if (write(line, &word, 1) != 1)
        FAIL("the other process is gone");
}

/* Waits for this word. */
static void told(char word)
{
    char got = 0;
    if (read(line, &got, 1) != 1 || got != word)
        FAIL("the other process ended early");
}

/* Its context exists before the quota is full. */
static void start_twin(const char *what)
{
    int ends[2];
    char number[12];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends))
        FAIL("no socket");
    snprintf(number, sizeof number, "%d", ends[1]);
    fflush(stdout);
    if (!(twin = fork())) {
        close(ends[0]);
        if (other_client)
            setenv("CUOTA_CLIENT", other_client, 1);
        execl("/proc/self/exe", "share", what, number, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    line = ends[0];
    told('r');
}

static void be_twin(void)
{
    line = atoi(mode);
    mode = "";
    in_primary();
    answer('r');
}

static void end_twin(void)
{
    int status = 0;
    close(line);
    if (waitpid(twin, &status, 0) != twin || status)
        FAIL("the other process ended with %#x", status);
}

/* Sends data, with a file if there is one. */
static void give_twin(const void *data, size_t bytes, int file)
{
    char room[CMSG_SPACE(sizeof file)] = {0};
    struct iovec part = {(void *)data, bytes};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (file >= 0) {
        message.msg_control = room;
        message.msg_controllen = sizeof room;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        *header = (struct cmsghdr){CMSG_LEN(sizeof file), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(header), &file, sizeof file);
    }
    if (sendmsg(line, &message, 0) != (ssize_t)bytes)
        FAIL("nothing could be sent");
}

/* False once the other process has closed its end. */
static int get_from_twin(void *data, size_t bytes, int *file)
{
    char room[CMSG_SPACE(sizeof *file)];
    struct iovec part = {data, bytes};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    if (recvmsg(line, &message, 0) != (ssize_t)bytes)
        return 0;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (file && header)
        memcpy(file, CMSG_DATA(header), sizeof *file);
    return 1;
}

/* The other process opens, says so, and closes when told. */
static void while_open(size_t full)
{
    expect_used(full, "opened by another");
    answer('o');
    told('c');
}

static void closed(size_t full)
{
    expect_used(full, "closed by another");
    answer('d');
}

static void hand_over(const void *data, size_t bytes, int file)
{
    size_t full = used();
    give_twin(data, bytes, file);
    told('o');
    expect_used(full, "opened by the other");
    answer('c');
    told('d');
    expect_used(full, "closed by the other");
}
#endif
