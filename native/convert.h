// SPDX-License-Identifier: BSD-2-Clause
// Between JavaScript values and C++ ones. What does not fit is thrown as ERR_INVALID.
#pragma once

#include <napi.h>

#include <cstdint>
#include <span>
#include <vector>

#include "engine/engine.h"

namespace tsbhyve {

/// An exact number or a bigint; `name` is said in the error.
std::uint64_t to_u64(const Napi::Value& value, const char* name);
/// An exact number; anything else is refused without running code of its own.
std::uint32_t to_u32(const Napi::Value& value, const char* name);
/// The bytes of any typed array, in place.
std::span<std::uint8_t> bytes_of(const Napi::Value& value);
/// The elements of a BigUint64Array, in place.
std::span<std::uint64_t> words_of(const Napi::Value& value, std::size_t at_least);
/// { virtualClock, numerator, denominator, tscHz, physicalAddressBits, cpuid: Uint32Array of rows of six,
/// hostCpus: Int32Array }
EngineOptions options_from(const Napi::Value& value);

Napi::Value to_bytes(Napi::Env env, const std::vector<std::uint8_t>& bytes);
Napi::Value to_words(Napi::Env env, const std::vector<std::uint64_t>& words);
Napi::Value to_object(Napi::Env env, const Capabilities& capabilities);

}  // namespace tsbhyve
