// SPDX-License-Identifier: BSD-2-Clause
#include "convert.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "errors.h"

namespace tsbhyve {

std::uint64_t to_u64(const Napi::Value& value, const char* name) {
  bool lossless = false;
  if (value.IsBigInt()) {
    const std::uint64_t number = value.As<Napi::BigInt>().Uint64Value(&lossless);
    if (lossless) return number;
  } else if (value.IsNumber()) {
    const double number = value.As<Napi::Number>().DoubleValue();
    if (number >= 0 && number <= 9007199254740991.0 &&
        number == static_cast<double>(static_cast<std::uint64_t>(number))) {
      return static_cast<std::uint64_t>(number);
    }
  }
  throw_coded(value.Env(), "ERR_INVALID", std::string(name) + ": expected an unsigned 64-bit integer");
}

std::uint32_t to_u32(const Napi::Value& value, const char* name) {
  const std::uint64_t number = value.IsNumber() ? to_u64(value, name) : ~std::uint64_t{0};
  if (number <= 0xffffffff) return static_cast<std::uint32_t>(number);
  throw_coded(value.Env(), "ERR_INVALID", std::string(name) + ": expected an unsigned 32-bit integer");
}

std::span<std::uint8_t> bytes_of(const Napi::Value& value) {
  if (!value.IsTypedArray()) throw_coded(value.Env(), "ERR_INVALID", "expected a Uint8Array");
  const auto array = value.As<Napi::TypedArray>();
  auto* data = static_cast<std::uint8_t*>(array.ArrayBuffer().Data()) + array.ByteOffset();
  return {data, array.ByteLength()};
}

std::span<std::uint64_t> words_of(const Napi::Value& value, std::size_t at_least) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_biguint64_array ||
      value.As<Napi::TypedArray>().ElementLength() < at_least) {
    throw_coded(value.Env(), "ERR_INVALID",
                "expected a BigUint64Array of at least " + std::to_string(at_least) + " elements");
  }
  auto array = value.As<Napi::BigUint64Array>();
  return {array.Data(), array.ElementLength()};
}

Napi::Value to_bytes(Napi::Env env, const std::vector<std::uint8_t>& bytes) {
  auto copy = Napi::Uint8Array::New(env, bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.Data());
  return copy;
}

Napi::Value to_words(Napi::Env env, const std::vector<std::uint64_t>& words) {
  auto copy = Napi::BigUint64Array::New(env, words.size());
  std::copy(words.begin(), words.end(), copy.Data());
  return copy;
}

namespace {

TranslatorOptions translator_from(const Napi::Value& value) {
  if (!value.IsObject()) throw_coded(value.Env(), "ERR_INVALID", "translator: expected an object");
  const auto source = value.As<Napi::Object>();
  const std::string mode = source.Get("mode").ToString();
  TranslatorOptions options;
  if (mode == "off")
    options.mode = TranslatorMode::Off;
  else if (mode == "on")
    options.mode = TranslatorMode::On;
  else if (mode == "lockstep")
    options.mode = TranslatorMode::Lockstep;
  else
    throw_coded(value.Env(), "ERR_INVALID", "translator: unknown mode '" + mode + "'; accepted are off, on, lockstep");
  options.heat = to_u32(source.Get("heat"), "translator heat");
  options.code_bytes = to_u64(source.Get("codeBytes"), "translator codeBytes");
  options.perf_map = source.Get("perfMap").ToString();
  return options;
}

}  // namespace

EngineOptions options_from(const Napi::Value& value) {
  if (!value.IsObject()) throw_coded(value.Env(), "ERR_INVALID", "options: expected an object");
  const auto source = value.As<Napi::Object>();
  EngineOptions options;
  options.virtual_clock = source.Get("virtualClock").ToBoolean();
  options.translator = translator_from(source.Get("translator"));
  options.nanoseconds_numerator = to_u32(source.Get("numerator"), "numerator");
  options.nanoseconds_denominator = to_u32(source.Get("denominator"), "denominator");
  options.tsc_hz = to_u64(source.Get("tscHz"), "tscHz");
  options.physical_address_bits = to_u32(source.Get("physicalAddressBits"), "physicalAddressBits");
  if (options.nanoseconds_numerator == 0 || options.nanoseconds_denominator == 0) {
    throw std::invalid_argument("the virtual clock's rate must be a fraction of positive integers");
  }
  options.library = source.Get("library").ToString();
  const Napi::Value rows = source.Get("cpuid");
  if (!rows.IsTypedArray() || rows.As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array) {
    throw_coded(value.Env(), "ERR_INVALID", "cpuid: expected a Uint32Array");
  }
  const auto cpuid = rows.As<Napi::Uint32Array>();
  for (std::size_t at = 0; at + 6 <= cpuid.ElementLength(); at += 6) {
    options.cpuid.push_back({cpuid[at], cpuid[at + 1], cpuid[at + 2], cpuid[at + 3], cpuid[at + 4], cpuid[at + 5]});
  }
  const Napi::Value pins = source.Get("hostCpus");
  if (!pins.IsTypedArray() || pins.As<Napi::TypedArray>().TypedArrayType() != napi_int32_array) {
    throw_coded(value.Env(), "ERR_INVALID", "hostCpus: expected an Int32Array");
  }
  const auto host_cpus = pins.As<Napi::Int32Array>();
  options.host_cpus.assign(host_cpus.Data(), host_cpus.Data() + host_cpus.ElementLength());
  return options;
}

/// Six words a row, as options_from() takes them.
static Napi::Value to_rows(Napi::Env env, const std::vector<CpuidRow>& rows) {
  auto words = Napi::Uint32Array::New(env, rows.size() * 6);
  std::uint32_t* at = words.Data();
  for (const CpuidRow& row : rows) {
    for (const std::uint32_t word : {row.leaf, row.subleaf, row.eax, row.ebx, row.ecx, row.edx}) *at++ = word;
  }
  return words;
}

Napi::Value to_object(Napi::Env env, const Capabilities& capabilities) {
  auto result = Napi::Object::New(env);
  result.Set("engine", capabilities.engine);
  result.Set("deterministic", capabilities.deterministic);
  result.Set("countsInstructions", capabilities.counts_instructions);
  result.Set("cpuidSettable", capabilities.cpuid_settable);
  result.Set("tscScalable", capabilities.tsc_scalable);
  result.Set("lapicHz", capabilities.lapic_hz);
  result.Set("maxVcpus", capabilities.max_vcpus);
  result.Set("dirtyLog", capabilities.dirty_log);
  result.Set("missingFromSnapshot", capabilities.missing_from_snapshot);
  result.Set("maskedCpuid", to_rows(env, capabilities.masked_cpuid));
  result.Set("chipset", capabilities.chipset);
  result.Set("mapsFiles", capabilities.maps_files);
  result.Set("tellsHalt", capabilities.tells_halt);
  return result;
}

}  // namespace tsbhyve
