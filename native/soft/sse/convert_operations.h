// SPDX-License-Identifier: BSD-2-Clause
// Conversions as pairs of a host instruction and its software twin. MMX forms use the host's XMM instructions on zeros
// above.
#pragma once

#include "soft/host/simd.h"
#include "soft/sse/float_software.h"

namespace tsbhyve::soft::sse {

using Native = host::Convert;

inline u32 low32(V128 value) { return static_cast<u32>(value[0]); }
inline u64 pair32(u32 low, u32 high) { return low | u64{high} << 32; }
inline i32 int32(u64 value, u32 lane) { return static_cast<i32>(value >> 32 * lane); }

struct PsFromDq {
  static V128 native(V128 a, V128 b) { return Native::ps_from_dq(a, b); }
  static V128 software(Evaluation& evaluation, V128, V128 b) {
    auto result = lanes<u32>(b);
    for (u32 i = 0; i < 4; i++) {
      result[i] = software::from_integer<Float32>(evaluation, static_cast<i32>(u32{result[i]}));
    }
    return whole<V128>(result);
  }
};

struct PdFromDq {
  static V128 native(V128 a, V128 b) { return Native::pd_from_dq(a, b); }
  static V128 software(Evaluation& evaluation, V128, V128 b) {
    return V128{software::from_integer<Float64>(evaluation, int32(b[0], 0)),
                software::from_integer<Float64>(evaluation, int32(b[0], 1))};
  }
};

struct PsFromPi {
  static V128 native(V128 a, u64 b) { return V128{Native::ps_from_dq(a, low_only(b))[0], a[1]}; }
  static V128 software(Evaluation& evaluation, V128 a, u64 b) {
    const u32 low = software::from_integer<Float32>(evaluation, int32(b, 0));
    return V128{pair32(low, software::from_integer<Float32>(evaluation, int32(b, 1))), a[1]};
  }
};

struct PdFromPi {
  static V128 native(V128 a, u64 b) { return PdFromDq::native(a, low_only(b)); }
  static V128 software(Evaluation& evaluation, V128 a, u64 b) { return PdFromDq::software(evaluation, a, low_only(b)); }
};

struct PdFromPs {
  static V128 native(V128 a, V128 b) { return Native::pd_from_ps(a, b); }
  static V128 software(Evaluation& evaluation, V128, V128 b) {
    return V128{software::converted<Float64, Float32>(evaluation, lanes<u32>(b)[0]),
                software::converted<Float64, Float32>(evaluation, lanes<u32>(b)[1])};
  }
};

struct PsFromPd {
  static V128 native(V128 a, V128 b) { return Native::ps_from_pd(a, b); }
  static V128 software(Evaluation& evaluation, V128, V128 b) {
    const u32 low = software::converted<Float32, Float64>(evaluation, b[0]);
    return low_only(pair32(low, software::converted<Float32, Float64>(evaluation, b[1])));
  }
};

struct SdFromSs {
  static V128 native(V128 a, V128 b) { return Native::sd_from_ss(a, b); }
  static V128 software(Evaluation& evaluation, V128 a, V128 b) {
    return V128{software::converted<Float64, Float32>(evaluation, low32(b)), a[1]};
  }
};

struct SsFromSd {
  static V128 native(V128 a, V128 b) { return Native::ss_from_sd(a, b); }
  static V128 software(Evaluation& evaluation, V128 a, V128 b) {
    auto result = lanes<u32>(a);
    result[0] = software::converted<Float32, Float64>(evaluation, b[0]);
    return whole<V128>(result);
  }
};

template <bool truncated>
struct DqFromPs {
  static V128 native(V128 a, V128 b) {
    return truncated ? Native::truncated_dq_from_ps(a, b) : Native::dq_from_ps(a, b);
  }
  static V128 software(Evaluation& evaluation, V128, V128 b) {
    auto result = lanes<u32>(b);
    for (u32 i = 0; i < 4; i++) result[i] = software::to_integer<u32, Float32, truncated>(evaluation, result[i]);
    return whole<V128>(result);
  }
};

template <bool truncated>
struct DqFromPd {
  static V128 native(V128 a, V128 b) {
    return truncated ? Native::truncated_dq_from_pd(a, b) : Native::dq_from_pd(a, b);
  }
  static V128 software(Evaluation& evaluation, V128, V128 b) {
    const u32 low = software::to_integer<u32, Float64, truncated>(evaluation, b[0]);
    return low_only(pair32(low, software::to_integer<u32, Float64, truncated>(evaluation, b[1])));
  }
};

/// MMX destinations are not read.
template <bool truncated>
struct PiFromPs {
  static u64 native(V128 b) { return DqFromPs<truncated>::native(b, low_only(b[0]))[0]; }
  static u64 software(Evaluation& evaluation, V128 b) {
    return DqFromPs<truncated>::software(evaluation, b, low_only(b[0]))[0];
  }
};
template <bool truncated>
struct PiFromPd {
  static u64 native(V128 b) { return DqFromPd<truncated>::native(b, b)[0]; }
  static u64 software(Evaluation& evaluation, V128 b) { return DqFromPd<truncated>::software(evaluation, b, b)[0]; }
};

/// T is u32 or u64, by the size of the general operand.
template <class T>
struct SsFromGeneral {
  static V128 native(V128 a, u64 b) { return Native::ss_from_general(a, static_cast<T>(b)); }
  static V128 software(Evaluation& evaluation, V128 a, u64 b) {
    auto result = lanes<u32>(a);
    result[0] = software::from_integer<Float32>(evaluation, static_cast<std::make_signed_t<T>>(b));
    return whole<V128>(result);
  }
};
template <class T>
struct SdFromGeneral {
  static V128 native(V128 a, u64 b) { return Native::sd_from_general(a, static_cast<T>(b)); }
  static V128 software(Evaluation& evaluation, V128 a, u64 b) {
    return V128{software::from_integer<Float64>(evaluation, static_cast<std::make_signed_t<T>>(b)), a[1]};
  }
};

template <class T, bool truncated>
struct GeneralFromSs {
  static T native(V128 b) {
    return truncated ? Native::truncated_general_from_ss<T>(b) : Native::general_from_ss<T>(b);
  }
  static T software(Evaluation& evaluation, V128 b) {
    return software::to_integer<T, Float32, truncated>(evaluation, low32(b));
  }
};
template <class T, bool truncated>
struct GeneralFromSd {
  static T native(V128 b) {
    return truncated ? Native::truncated_general_from_sd<T>(b) : Native::general_from_sd<T>(b);
  }
  static T software(Evaluation& evaluation, V128 b) {
    return software::to_integer<T, Float64, truncated>(evaluation, b[0]);
  }
};

}  // namespace tsbhyve::soft::sse
