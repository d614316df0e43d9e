#include "addon.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <sched.h>
#include <unistd.h>

static const char *remedy_for_socket(int domain) {
  if (errno == EPERM) return "needs CAP_NET_RAW";
  if (errno == EMFILE) return "raise the limit of open files (ulimit -n)";
  if (errno == EAFNOSUPPORT && domain == AF_PACKET) return "this kernel has no packet sockets";
  return NULL;
}

static int create(int domain, int type, int protocol, struct failure *failure) {
  int fd = socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  if (fd >= 0) return fd;
  const char *family = domain == AF_PACKET    ? "packet"
                       : domain == AF_NETLINK ? "netlink"
                       : type == SOCK_RAW     ? "raw IP"
                                              : "UDP";
  return failed(failure, remedy_for_socket(domain), "open %s socket", family);
}

// A socket belongs to the namespace its thread was in when it was made, for good. So the thread makes
// a round trip, and since nothing else of this thread runs meanwhile, nobody notices.
static int create_in(int away, int home, const char *netns, int domain, int type, int protocol,
                     struct failure *failure) {
  if (setns(away, CLONE_NEWNET) < 0) {
    const char *remedy = errno == EPERM    ? "needs CAP_SYS_ADMIN"
                         : errno == EINVAL ? "it is not a network namespace"
                                           : NULL;
    return failed(failure, remedy, "enter network namespace %s", netns);
  }
  int fd = create(domain, type, protocol, failure);
  if (setns(home, CLONE_NEWNET) < 0) {
    // Going on would put every later socket of the process into a stranger's network.
    napi_fatal_error("open_socket", NAPI_AUTO_LENGTH,
                     "cannot return to the network namespace we came from", NAPI_AUTO_LENGTH);
  }
  return fd;
}

int open_socket(const char *netns, int domain, int type, int protocol, struct failure *failure) {
  if (netns[0] == '\0') return create(domain, type, protocol, failure);
  int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (home < 0) return failed(failure, "needs /proc", "open our own network namespace");
  // O_NONBLOCK: a FIFO under that name must not block us.
  int away = open(netns, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (away < 0) {
    const char *remedy = errno == ENOENT ? "no such network namespace" : NULL;
    failed(failure, remedy, "open network namespace %s", netns);
    close(home);
    return -1;
  }
  int fd = create_in(away, home, netns, domain, type, protocol, failure);
  close(away);
  close(home);
  return fd;
}

int attach_filter(int fd, const struct bytes *program, struct failure *failure) {
  struct sock_fprog filter = {
      .len = (unsigned short)(program->length / sizeof(struct sock_filter)),
      .filter = (struct sock_filter *)(void *)program->at,
  };
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0) return 0;
  const char *remedy = errno == EINVAL   ? "the kernel does not accept this program"
                       : errno == ENOMEM ? "raise net.core.optmem_max"
                                         : NULL;
  return failed(failure, remedy, "attach filter of %u instructions", filter.len);
}

int drop_everything(int fd, struct failure *failure) {
  struct sock_filter nothing[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
  return attach_filter(fd, &(struct bytes){(uint8_t *)nothing, sizeof nothing}, failure);
}

int grow_receive_buffer(int fd, uint32_t octets, struct failure *failure) {
  int size = (int)octets;
  // Beyond net.core.rmem_max only with CAP_NET_ADMIN; without it, as much as is allowed.
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) == 0) return 0;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) == 0) return 0;
  return failed(failure, NULL, "set receive buffer to %u octets", octets);
}
