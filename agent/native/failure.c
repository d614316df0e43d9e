#include "addon.h"

#include <stdarg.h>
#include <stdio.h>

int failed(struct failure *failure, const char *remedy, const char *format, ...) {
  failure->error = errno;
  failure->remedy = remedy;
  va_list values;
  va_start(values, format);
  vsnprintf(failure->operation, sizeof failure->operation, format, values);
  va_end(values);
  return -1;
}

napi_value throw_failure(napi_env env, const struct failure *failure) {
  char code[32], reason[96], text[512];
  uv_err_name_r(-failure->error, code, sizeof code);
  uv_strerror_r(-failure->error, reason, sizeof reason);
  snprintf(text, sizeof text, "%s: %s (%s)%s%s", failure->operation, reason, code,
           failure->remedy ? ": " : "", failure->remedy ? failure->remedy : "");

  napi_value code_value, message, operation, number, error;
  if (napi_create_string_utf8(env, code, NAPI_AUTO_LENGTH, &code_value) != napi_ok ||
      napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &message) != napi_ok ||
      napi_create_string_utf8(env, failure->operation, NAPI_AUTO_LENGTH, &operation) != napi_ok ||
      napi_create_int32(env, failure->error, &number) != napi_ok ||
      napi_create_error(env, code_value, message, &error) != napi_ok ||
      napi_set_named_property(env, error, "errno", number) != napi_ok ||
      napi_set_named_property(env, error, "operation", operation) != napi_ok) {
    return throw_napi(env);
  }
  napi_throw(env, error);
  return NULL;
}

napi_value throw_closed(napi_env env, const char *operation) {
  struct failure failure = {0};
  errno = EBADF;
  failed(&failure, "it is closed", "%s", operation);
  return throw_failure(env, &failure);
}

napi_value throw_napi(napi_env env) {
  const napi_extended_error_info *info = NULL;
  bool pending = false;
  napi_get_last_error_info(env, &info);
  napi_is_exception_pending(env, &pending);
  if (!pending) {
    const char *text = info && info->error_message ? info->error_message : "Node-API call failed";
    napi_throw_error(env, NULL, text);
  }
  return NULL;
}
