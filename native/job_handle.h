// SPDX-License-Identifier: BSD-2-Clause
// Jobs and failures of native/snapshot and native/disk as JavaScript sees them.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>

#include "errors.h"
#include "snapshot/digest.h"
#include "snapshot/job.h"

namespace tsbhyve {

[[noreturn]] void throw_failure(Napi::Env env, const snapshot::Failure& failure);

/// As `guarded`, for what the code that works on files throws too.
template <class Work>
auto attempt(Napi::Env env, Work work) {
  try {
    return guarded(env, work);
  } catch (const snapshot::Failure& failure) {
    throw_failure(env, failure);
  }
}

int fd_of(const Napi::Value& value);
Napi::Value to_bytes(Napi::Env env, const snapshot::DigestBytes& digest);

/// Starts a job and gives the object by which TypeScript follows it. `result` is asked for after its success.
Napi::Value follow(Napi::Env env, std::shared_ptr<snapshot::Job> job, std::function<Napi::Value(Napi::Env)> result);

}  // namespace tsbhyve
