#include "addon.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// What the lease store needs and node:fs does not have: writes that are durable when they return, as
// jobs of the thread pool, file locks, and the clock that neither steps nor stops in suspend.

static const double POSITION_MAX = 9007199254740991;  // 2^53 - 1, the last exact integer of a double

struct job {
  napi_async_work work;
  napi_ref bytes, callback;
  int fd;
  const uint8_t *at;  // NULL for zeros
  size_t left;
  off_t position;
  struct failure failure;
};

// What is cleared in one go: a write of the journal that comes meanwhile takes 0.35 ms instead of 0.2,
// and would take 1 ms with four times as much.
static const uint8_t zeros[64 * 1024];

static bool read_position(napi_env env, napi_value value, const char *name, off_t *result) {
  double number;
  if (napi_get_value_double(env, value, &number) != napi_ok || !(number >= 0) ||
      number > POSITION_MAX || number != (double)(off_t)number) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", name);
    return false;
  }
  *result = (off_t)number;
  return true;
}

// As pwrite, durable when it returns. Of the file only these octets are synced: others may be on their way.
static ssize_t write_durably(int fd, const uint8_t *at, size_t length, off_t position) {
  struct iovec octets = {.iov_base = (void *)at, .iov_len = length};
  ssize_t written = pwritev2(fd, &octets, 1, position, RWF_DSYNC);
  if (written >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS)) return written;
  // Linux before 4.7, and a few file systems.
  written = pwrite(fd, at, length, position);
  return written >= 0 && fdatasync(fd) < 0 ? -1 : written;
}

// Runs on the thread pool: no Node-API here.
static void run_job(napi_env env, void *data) {
  (void)env;
  struct job *job = data;
  while (job->left > 0) {
    bool clears = job->at == NULL;
    size_t length = clears && job->left > sizeof zeros ? sizeof zeros : job->left;
    ssize_t written = write_durably(job->fd, clears ? zeros : job->at, length, job->position);
    if (written < 0) {
      if (errno == EINTR) continue;
      // Never repeated after EIO: the kernel then forgets the pages it could not write.
      failed(&job->failure, NULL, "write to the lease journal");
      return;
    }
    if (!clears) job->at += written;
    job->left -= (size_t)written;
    job->position += written;
  }
}

static void free_job(napi_env env, struct job *job) {
  if (job->bytes != NULL) napi_delete_reference(env, job->bytes);
  if (job->callback != NULL) napi_delete_reference(env, job->callback);
  if (job->work != NULL) napi_delete_async_work(env, job->work);
  free(job);
}

static napi_value outcome(napi_env env, const struct failure *failure) {
  napi_value value = NULL;
  if (failure->error == 0) {
    napi_get_null(env, &value);
  } else {
    throw_failure(env, failure);
    napi_get_and_clear_last_exception(env, &value);
  }
  return value;
}

static void finish_job(napi_env env, napi_status status, void *data) {
  struct job *job = data;
  napi_value callback = NULL, receiver;
  if (status == napi_ok && napi_get_reference_value(env, job->callback, &callback) == napi_ok &&
      napi_get_undefined(env, &receiver) == napi_ok) {
    napi_value argument = outcome(env, &job->failure);
    free_job(env, job);
    // What it throws is thrown on by Node, as an uncaughtException.
    napi_call_function(env, receiver, callback, 1, &argument, NULL);
  } else {
    free_job(env, job);
  }
}

static bool queue_job(napi_env env, struct job *job, napi_value bytes, napi_value callback) {
  napi_value name;
  return (bytes == NULL || napi_create_reference(env, bytes, 1, &job->bytes) == napi_ok) &&
         napi_create_reference(env, callback, 1, &job->callback) == napi_ok &&
         napi_create_string_utf8(env, "dhcp:journal", NAPI_AUTO_LENGTH, &name) == napi_ok &&
         napi_create_async_work(env, NULL, name, run_job, finish_job, job, &job->work) == napi_ok &&
         napi_queue_async_work(env, job->work) == napi_ok;
}

static napi_value start_job(napi_env env, const struct job *job, napi_value bytes,
                            napi_value callback) {
  struct job *queued = malloc(sizeof *queued);
  if (queued == NULL) {
    napi_throw_error(env, "ENOMEM", "no memory for a write to the lease journal");
    return NULL;
  }
  *queued = *job;
  if (queue_job(env, queued, bytes, callback)) return NULL;
  free_job(env, queued);
  return throw_napi(env);
}

// writeDurably(fd, bytes, start, end, position, callback): the octets must stay as they are until
// callback(error | null), which comes when they are durable.
napi_value js_write_durably(napi_env env, napi_callback_info info) {
  napi_value values[6];
  uint32_t fd, start, end;
  struct bytes bytes;
  struct job job = {0};
  if (!read_arguments(env, info, 6, values) ||
      !read_uint32(env, values[0], "fd", 0, INT32_MAX, &fd) ||
      !read_bytes(env, values[1], "bytes", &bytes)) {
    return NULL;
  }
  uint32_t length = bytes.length < UINT32_MAX ? (uint32_t)bytes.length : UINT32_MAX;
  if (!read_uint32(env, values[2], "start", 0, length, &start) ||
      !read_uint32(env, values[3], "end", start, length, &end) ||
      !read_position(env, values[4], "position must be an offset in a file", &job.position) ||
      !read_function(env, values[5], "callback")) {
    return NULL;
  }
  job.fd = (int)fd;
  job.at = bytes.at + start;
  job.left = end - start;
  return start_job(env, &job, values[1], values[5]);
}

// clearDurably(fd, start, end, callback): writes zeros to [start..end) of the file, piece by piece, so
// that what is written there later changes no metadata.
napi_value js_clear_durably(napi_env env, napi_callback_info info) {
  napi_value values[4];
  uint32_t fd;
  off_t end;
  struct job job = {0};
  if (!read_arguments(env, info, 4, values) ||
      !read_uint32(env, values[0], "fd", 0, INT32_MAX, &fd) ||
      !read_position(env, values[1], "start must be an offset in a file", &job.position) ||
      !read_position(env, values[2], "end must be an offset in a file", &end) ||
      !read_function(env, values[3], "callback")) {
    return NULL;
  }
  if (end < job.position) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "end must not be before start");
    return NULL;
  }
  job.fd = (int)fd;
  job.left = (size_t)(end - job.position);
  return start_job(env, &job, NULL, values[3]);
}

// lockFile(fd): whether the exclusive lock is ours now; it lasts as long as the open file. flock(2),
// since it also locks a directory, and on a file system that is mounted read-only.
napi_value js_lock_file(napi_env env, napi_callback_info info) {
  napi_value value, result;
  uint32_t fd;
  if (!read_arguments(env, info, 1, &value) ||
      !read_uint32(env, value, "fd", 0, INT32_MAX, &fd)) {
    return NULL;
  }
  bool taken = flock((int)fd, LOCK_EX | LOCK_NB) == 0;
  if (!taken && errno != EWOULDBLOCK) {
    struct failure failure = {0};
    failed(&failure, "it must lie on a file system with locks", "lock of the lease store");
    return throw_failure(env, &failure);
  }
  return napi_get_boolean(env, taken, &result) == napi_ok ? result : throw_napi(env);
}

// bootMillis(): CLOCK_BOOTTIME, milliseconds with a fraction.
napi_value js_boot_millis(napi_env env, napi_callback_info info) {
  (void)info;
  struct timespec now = {0};
  napi_value result;
  clock_gettime(CLOCK_BOOTTIME, &now);
  double millis = (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
  return napi_create_double(env, millis, &result) == napi_ok ? result : throw_napi(env);
}
