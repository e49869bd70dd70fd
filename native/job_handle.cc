// SPDX-License-Identifier: BSD-2-Clause
#include "job_handle.h"

#include "convert.h"

namespace tsbhyve {

void throw_failure(Napi::Env env, const snapshot::Failure& failure) {
  throw_coded(env, failure.code.c_str(), failure.message);
}

int fd_of(const Napi::Value& value) { return value.ToNumber().Int32Value(); }

Napi::Value to_bytes(Napi::Env env, const snapshot::DigestBytes& digest) {
  return to_bytes(env, std::vector<std::uint8_t>(digest.begin(), digest.end()));
}

Napi::Value follow(Napi::Env env, std::shared_ptr<snapshot::Job> job, std::function<Napi::Value(Napi::Env)> result) {
  attempt(env, [&] { job->start(); });
  auto handle = Napi::Object::New(env);
  handle.Set("wait", Napi::Function::New(env, [job](const Napi::CallbackInfo& info) {
               return Napi::Boolean::New(info.Env(), job->wait(info[0].ToNumber().Uint32Value()));
             }));
  handle.Set("cancel", Napi::Function::New(env, [job](const Napi::CallbackInfo&) { job->cancel(); }));
  handle.Set("done", Napi::Function::New(env, [job](const Napi::CallbackInfo& info) {
               return Napi::Number::New(info.Env(), static_cast<double>(job->done()));
             }));
  handle.Set("total", Napi::Function::New(env, [job](const Napi::CallbackInfo& info) {
               return Napi::Number::New(info.Env(), static_cast<double>(job->total()));
             }));
  handle.Set("result", Napi::Function::New(env, [job, result = std::move(result)](const Napi::CallbackInfo& info) {
               if (!job->wait(0)) throw_coded(info.Env(), "ERR_BUSY", "the work has not ended");
               if (job->failure()) throw_failure(info.Env(), *job->failure());
               return result(info.Env());
             }));
  return handle;
}

}  // namespace tsbhyve
