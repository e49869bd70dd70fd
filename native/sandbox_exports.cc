// SPDX-License-Identifier: BSD-2-Clause
#include "sandbox_exports.h"

#ifdef __linux__
#include <string.h>

#include "errors.h"
#include "sandbox/landlock.h"
#include "sandbox/seccomp_filter.h"
#endif

namespace tsbhyve {
namespace {

#ifdef __linux__

using sandbox::Access, sandbox::PathRule;

void take_paths(const Napi::Object& given, const char* name, Access access, std::vector<PathRule>& rules) {
  const auto paths = given.Get(name).As<Napi::Array>();
  for (std::uint32_t index = 0; index < paths.Length(); index++) {
    rules.push_back({paths.Get(index).As<Napi::String>().Utf8Value(), access});
  }
}

void check(int error, const char* call) {
  if (error != 0) throw EngineError{error, call, std::string(call) + ": " + strerror(error)};
}

Napi::Value landlock_version(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), sandbox::landlock_version());
}

/// Paths first: their calls are not among those that the filter leaves.
Napi::Value restrict_process(const Napi::CallbackInfo& info) {
  const auto given = info[0].As<Napi::Object>();
  const bool network = given.Get("network").ToBoolean();
  std::vector<PathRule> rules;
  take_paths(given, "read", Access::Read, rules);
  take_paths(given, "write", Access::Write, rules);
  take_paths(given, "sockets", Access::Sockets, rules);
  take_paths(given, "folders", Access::Folders, rules);
  guarded(info.Env(), [&] {
    if (sandbox::landlock_version() > 0) check(sandbox::restrict_paths(rules, network), "landlock_restrict_self");
    check(sandbox::install_filter(sandbox::seccomp_program(network, sandbox::has_ring())), "seccomp");
  });
  return info.Env().Undefined();
}

#endif

}  // namespace

Napi::Object sandbox_exports(Napi::Env env) {
  auto exports = Napi::Object::New(env);
#ifdef __linux__
  exports.Set("landlockVersion", Napi::Function::New(env, landlock_version, "landlockVersion"));
  exports.Set("restrict", Napi::Function::New(env, restrict_process, "restrict"));
#endif
  return exports;
}

}  // namespace tsbhyve
