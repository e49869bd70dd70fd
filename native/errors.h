// SPDX-License-Identifier: BSD-2-Clause
// Native failures as JavaScript errors with `code`, and `errno` and `syscall` where a system call failed.
#pragma once

#include <napi.h>

#include <new>
#include <stdexcept>
#include <system_error>

#include "engine/engine.h"

namespace tsbhyve {

[[noreturn]] void throw_engine_error(Napi::Env env, const EngineError& error);
[[noreturn]] void throw_system_error(Napi::Env env, const std::system_error& error);
[[noreturn]] void throw_coded(Napi::Env env, const char* code, const std::string& message);

/// Runs `work` and turns what it throws into a JavaScript error.
template <class Work>
auto guarded(Napi::Env env, Work work) {
  try {
    return work();
  } catch (const Napi::Error&) {
    throw;
  } catch (const EngineError& error) {
    throw_engine_error(env, error);
  } catch (const std::invalid_argument& error) {
    throw_coded(env, "ERR_INVALID", error.what());
  } catch (const std::bad_alloc&) {
    throw_coded(env, "ENOMEM", "the host has no memory for this");
  } catch (const std::system_error& error) {
    throw_system_error(env, error);
  } catch (const std::exception& error) {
    throw_coded(env, "ERR_ENGINE", error.what());
  }
}

}  // namespace tsbhyve
