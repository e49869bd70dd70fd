// SPDX-License-Identifier: BSD-2-Clause
#include "errors.h"

#include <cstring>

#include "engine/error_name.h"

namespace tsbhyve {

void throw_coded(Napi::Env env, const char* code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  throw error;
}

void throw_engine_error(Napi::Env env, const EngineError& failure) {
  const std::string reason = failure.number ? std::string(std::strerror(failure.number)) : failure.message;
  Napi::Error error =
      Napi::Error::New(env, std::string(failure.call) + ": " + reason +
                                (failure.number && !failure.message.empty() ? " (" + failure.message + ")" : ""));
  const char* const code = failure.number ? error_name(failure.number) : nullptr;
  error.Set("code", Napi::String::New(env, code ? code : "ERR_ENGINE"));
  error.Set("errno", Napi::Number::New(env, failure.number));
  error.Set("syscall", Napi::String::New(env, failure.call));
  throw error;
}

void throw_system_error(Napi::Env env, const std::system_error& error) {
  const char* code = error_name(error.code().value());
  throw_coded(env, code ? code : "ERR_ENGINE", error.what());
}

}  // namespace tsbhyve
