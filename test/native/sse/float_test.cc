// SPDX-License-Identifier: BSD-2-Clause
// Every floating-point operation that may run on the host against its software twin: result bits and exception flags,
// under each rounding mode, with and without DAZ and FTZ.
#include "soft/host/rounding.h"
#include "soft/sse/convert_operations.h"
#include "soft/sse/float_operations.h"
#include "values.h"

namespace {

using namespace test;
using namespace tsbhyve::soft::sse;
namespace host = tsbhyve::soft::host;

constexpr u32 rounds = 3000;

template <class O, class V>
auto native_of(V128 a, V source) {
  if constexpr (requires { O::native(source); }) {
    return O::native(source);
  } else {
    return O::native(a, source);
  }
}
template <class O, class V>
auto software_of(Evaluation& evaluation, V128 a, V source) {
  if constexpr (requires { O::software(evaluation, source); }) {
    return O::software(evaluation, source);
  } else {
    return O::software(evaluation, a, source);
  }
}

/// The source as the operation takes it: a vector, or 64 bits of a general or MMX register.
template <class O>
constexpr bool takes_vector = requires(V128 v) {
  O::native(v);
}
|| requires(V128 v) { O::native(v, v); };

template <class O>
void check_under(Report& report, Random& random, const char* name, u32 mxcsr) {
  for (u32 i = 0; i < rounds; i++) {
    const V128 a = edge_vector(random), b = edge_vector(random);
    const auto source = [&] {
      if constexpr (takes_vector<O>) {
        return b;
      } else {
        return u64{b[0]};
      }
    }();
    const u32 saved = host::enter_guest_rounding(mxcsr);
    const auto native = native_of<O>(a, source);
    const u32 raised = host::raised_exceptions();
    host::leave_guest_rounding(saved);
    Evaluation evaluation(mxcsr);
    const auto software = software_of<O>(evaluation, a, source);
    report.equal(name, mxcsr, a, b, native, raised, software, evaluation.reported());
  }
}

template <class O>
void check(Report& report, Random& random, const char* name) {
  for (u32 mode = 0; mode < 16; mode++) {
    const u32 mxcsr = host::mxcsr_masks | (mode & 3) << 13 | (mode & 4 ? 0x40 : 0) | (mode & 8 ? 0x8000 : 0);
    check_under<O>(report, random, name, mxcsr);
  }
}

template <template <Shape> class O>
void check_shapes(Report& report, Random& random, const char* name) {
  check<O<Shape::ps>>(report, random, name);
  check<O<Shape::pd>>(report, random, name);
  check<O<Shape::ss>>(report, random, name);
  check<O<Shape::sd>>(report, random, name);
}

template <u8... predicate>
void check_compares(Report& report, Random& random, std::integer_sequence<u8, predicate...>) {
  (check<CompareOf<Shape::ps, predicate>>(report, random, "cmpps"), ...);
  (check<CompareOf<Shape::pd, predicate>>(report, random, "cmppd"), ...);
  (check<CompareOf<Shape::ss, predicate>>(report, random, "cmpss"), ...);
  (check<CompareOf<Shape::sd, predicate>>(report, random, "cmpsd"), ...);
}

void check_arithmetic(Report& report, Random& random) {
  check_shapes<Add>(report, random, "add");
  check_shapes<Subtract>(report, random, "sub");
  check_shapes<Multiply>(report, random, "mul");
  check_shapes<Divide>(report, random, "div");
  check_shapes<Minimum>(report, random, "min");
  check_shapes<Maximum>(report, random, "max");
  check_shapes<SquareRoot>(report, random, "sqrt");
  check_compares(report, random, std::make_integer_sequence<u8, 8>());
  check<OrderedFlags<Shape::ss>>(report, random, "comiss");
  check<OrderedFlags<Shape::sd>>(report, random, "comisd");
  check<UnorderedFlags<Shape::ss>>(report, random, "ucomiss");
  check<UnorderedFlags<Shape::sd>>(report, random, "ucomisd");
}

void check_vector_conversions(Report& report, Random& random) {
  check<PsFromDq>(report, random, "cvtdq2ps");
  check<PdFromDq>(report, random, "cvtdq2pd");
  check<PdFromPs>(report, random, "cvtps2pd");
  check<PsFromPd>(report, random, "cvtpd2ps");
  check<SdFromSs>(report, random, "cvtss2sd");
  check<SsFromSd>(report, random, "cvtsd2ss");
  check<DqFromPs<false>>(report, random, "cvtps2dq");
  check<DqFromPs<true>>(report, random, "cvttps2dq");
  check<DqFromPd<false>>(report, random, "cvtpd2dq");
  check<DqFromPd<true>>(report, random, "cvttpd2dq");
  check<PsFromPi>(report, random, "cvtpi2ps");
  check<PdFromPi>(report, random, "cvtpi2pd");
  check<PiFromPs<false>>(report, random, "cvtps2pi");
  check<PiFromPs<true>>(report, random, "cvttps2pi");
  check<PiFromPd<false>>(report, random, "cvtpd2pi");
  check<PiFromPd<true>>(report, random, "cvttpd2pi");
}

template <class T>
void check_general_conversions(Report& report, Random& random) {
  check<SsFromGeneral<T>>(report, random, "cvtsi2ss");
  check<SdFromGeneral<T>>(report, random, "cvtsi2sd");
  check<GeneralFromSs<T, false>>(report, random, "cvtss2si");
  check<GeneralFromSs<T, true>>(report, random, "cvttss2si");
  check<GeneralFromSd<T, false>>(report, random, "cvtsd2si");
  check<GeneralFromSd<T, true>>(report, random, "cvttsd2si");
}

}  // namespace

int main() {
  if (!host::has_simd) {
    std::puts("sse float: skipped, the host has no SSE");
    return 0;
  }
  Report report;
  Random random;
  check_arithmetic(report, random);
  check_vector_conversions(report, random);
  check_general_conversions<u32>(report, random);
  check_general_conversions<u64>(report, random);
  return report.finish("sse float");
}
