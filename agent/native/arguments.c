#include "addon.h"

#include <stdio.h>
#include <string.h>

static bool refuse_type(napi_env env, const char *name, const char *wanted) {
  char text[160];
  snprintf(text, sizeof text, "%s must be %s", name, wanted);
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", text);
  return false;
}

bool read_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values) {
  size_t given = count;
  if (napi_get_cb_info(env, info, &given, values, NULL, NULL) != napi_ok) {
    throw_napi(env);
    return false;
  }
  return true;  // those not given are undefined, which the readers below refuse by name
}

bool read_property(napi_env env, napi_value object, const char *name, napi_value *value) {
  napi_valuetype type;
  if (napi_typeof(env, object, &type) == napi_ok && type != napi_object) {
    return refuse_type(env, "options", "an object");
  }
  if (napi_get_named_property(env, object, name, value) == napi_ok) return true;
  throw_napi(env);
  return false;
}

bool read_uint32(napi_env env, napi_value value, const char *name, uint32_t least, uint32_t most,
                 uint32_t *result) {
  double number;
  if (napi_get_value_double(env, value, &number) != napi_ok) {
    return refuse_type(env, name, "a number");
  }
  // Written so that NaN is refused too.
  if (!(number >= least && number <= most) || number != (uint32_t)number) {
    char text[160];
    snprintf(text, sizeof text, "%s must be an integer from %u to %u, not %.17g", name, least, most,
             number);
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", text);
    return false;
  }
  *result = (uint32_t)number;
  return true;
}

bool read_boolean(napi_env env, napi_value value, const char *name, bool *result) {
  if (napi_get_value_bool(env, value, result) == napi_ok) return true;
  return refuse_type(env, name, "a boolean");
}

bool read_text(napi_env env, napi_value value, const char *name, char *result, size_t size) {
  napi_valuetype type;
  result[0] = '\0';
  if (napi_typeof(env, value, &type) == napi_ok && type == napi_undefined) return true;
  size_t length;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok) {
    return refuse_type(env, name, "a string");
  }
  if (length >= size) {
    char text[160];
    snprintf(text, sizeof text, "%s must be shorter than %zu octets, not %zu", name, size, length);
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", text);
    return false;
  }
  napi_get_value_string_utf8(env, value, result, size, &length);
  if (strlen(result) != length) return refuse_type(env, name, "a string without NUL");
  return true;
}

bool read_function(napi_env env, napi_value value, const char *name) {
  napi_valuetype type;
  if (napi_typeof(env, value, &type) == napi_ok && type == napi_function) return true;
  return refuse_type(env, name, "a function");
}

// A detached array reads as one of length 0.
static bool read_typed_array(napi_env env, napi_value value, napi_typedarray_type wanted,
                             void **data, size_t *length) {
  napi_typedarray_type type;
  bool is_typed_array = false;
  return napi_is_typedarray(env, value, &is_typed_array) == napi_ok && is_typed_array &&
         napi_get_typedarray_info(env, value, &type, length, data, NULL, NULL) == napi_ok &&
         type == wanted;
}

bool read_bytes(napi_env env, napi_value value, const char *name, struct bytes *result) {
  void *data = NULL;
  if (!read_typed_array(env, value, napi_uint8_array, &data, &result->length)) {
    return refuse_type(env, name, "a Uint8Array");
  }
  result->at = data;
  return true;
}

bool read_words(napi_env env, napi_value value, const char *name, struct words *result) {
  void *data = NULL;
  if (!read_typed_array(env, value, napi_uint32_array, &data, &result->length)) {
    return refuse_type(env, name, "a Uint32Array");
  }
  result->at = data;
  return true;
}
