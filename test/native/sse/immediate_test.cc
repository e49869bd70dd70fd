// SPDX-License-Identifier: BSD-2-Clause
// Operations with an immediate byte, each with all its values, against the same instructions of the host: shuffles,
// blends, rounding, dot products; and the floating-point sums of neighbours.
#include "values.h"

#if defined(__x86_64__)

#include "../host_kind.h"
#include "host_instructions.h"
#include "soft/host/rounding.h"
#include "soft/sse/float_later.h"
#include "soft/sse/horizontal.h"
#include "soft/sse/shuffle.h"

namespace test::host_code {

HOST_XMM_IMMEDIATE(pshufd, "pshufd")
HOST_XMM_IMMEDIATE(pshufhw, "pshufhw")
HOST_XMM_IMMEDIATE(pshuflw, "pshuflw")
HOST_XMM_IMMEDIATE(shufps, "shufps")
HOST_XMM_IMMEDIATE(shufpd, "shufpd")
HOST_XMM_IMMEDIATE(palignr, "palignr")
HOST_XMM_IMMEDIATE(pblendw, "pblendw")
HOST_XMM_IMMEDIATE(blendps, "blendps")
HOST_XMM_IMMEDIATE(blendpd, "blendpd")
HOST_XMM_IMMEDIATE(insertps, "insertps")
HOST_XMM_IMMEDIATE(mpsadbw, "mpsadbw")
HOST_XMM_IMMEDIATE(roundps, "roundps")
HOST_XMM_IMMEDIATE(roundpd, "roundpd")
HOST_XMM_IMMEDIATE(roundss, "roundss")
HOST_XMM_IMMEDIATE(roundsd, "roundsd")
HOST_XMM_IMMEDIATE(dpps, "dpps")
HOST_XMM_IMMEDIATE(dppd, "dppd")
HOST_XMM(addsubps, "addsubps")
HOST_XMM(addsubpd, "addsubpd")
HOST_XMM(haddps, "haddps")
HOST_XMM(haddpd, "haddpd")
HOST_XMM(hsubps, "hsubps")
HOST_XMM(hsubpd, "hsubpd")

}  // namespace test::host_code

namespace {

using namespace test;
using namespace tsbhyve::soft::sse;
namespace host_code = test::host_code;
namespace host = tsbhyve::soft::host;

using HostFunction = V128 (*)(V128, V128);

constexpr u32 rounds = 300;

u32 random_mxcsr(Random& random) {
  const u32 mode = random.below(16);
  return host::mxcsr_masks | (mode & 3) << 13 | (mode & 4 ? 0x40 : 0) | (mode & 8 ? 0x8000 : 0);
}

template <class Software>
void check_float(Report& report, Random& random, const char* name, HostFunction run, Software software) {
  for (u32 i = 0; i < rounds; i++) {
    const V128 a = edge_vector(random), b = edge_vector(random);
    const u32 mxcsr = random_mxcsr(random);
    const u32 saved = host::enter_guest_rounding(mxcsr);
    const V128 expected = run(a, b);
    const u32 raised = host::raised_exceptions();
    host::leave_guest_rounding(saved);
    Evaluation evaluation(mxcsr);
    const V128 got = software(evaluation, a, b);
    report.equal<V128>(name, mxcsr, a, b, expected, raised, got, evaluation.reported());
  }
}

/// The host's instruction with each immediate byte. A table, and loops over it: to expand the loops for every byte
/// takes a compiler more than a minute.
template <class Host>
constexpr auto with_each_byte = []<std::size_t... I>(std::index_sequence<I...>) {
  return std::array<HostFunction, sizeof...(I)>{Host::template run<static_cast<u8>(I)>...};
}
(std::make_index_sequence<256>());

template <class O, class Host>
void check_all(Report& report, Random& random) {
  for (u32 byte = 0; byte < 256; byte++) {
    for (u32 i = 0; i < rounds; i++) {
      const u8 immediate = static_cast<u8>(byte);
      const V128 a = edge_vector(random), b = edge_vector(random);
      const V128 expected = with_each_byte<Host>[byte](a, b);
      report.equal<V128>(Host::name, byte, a, b, expected, 0, O::apply(a, b, immediate), 0);
    }
  }
}

template <class O, class Host>
void check_all_float(Report& report, Random& random) {
  for (u32 byte = 0; byte < 256; byte++) {
    check_float(report, random, Host::name, with_each_byte<Host>[byte], [byte](Evaluation& evaluation, V128 a, V128 b) {
      return O::software(evaluation, a, b, static_cast<u8>(byte));
    });
  }
}

/// Which of several NaNs a sum takes, Intel decides lane by lane: each lane adds its partners to itself, in this order.
template <class F>
struct IntelDotProduct {
  using Bits = BitsOf<F>;
  static constexpr u32 count = lane_count<Bits, V128>;

  static V128 software(Evaluation& evaluation, V128 a, V128 b, u8 choice) {
    Evaluation theirs = evaluation;
    auto result = lanes<Bits>(DotProduct<F>::software(evaluation, a, b, choice));
    auto sums = lanes<Bits>(a);
    const auto right = lanes<Bits>(b);
    for (u32 i = 0; i < count; i++) {
      const F x{sums[i]}, y{right[i]};
      const auto product = [&](fp::Context& context) { return fp::multiply(context, x, y); };
      sums[i] = choice >> (4 + i) & 1 ? theirs.lane(product).bits : 0;
    }
    for (u32 partner = 1; partner < count; partner *= 2) {
      const auto before = sums;
      for (u32 i = 0; i < count; i++) {
        const bool is_last = partner * 2 == count;
        const F x{before[is_last ? i : i ^ partner]}, y{before[is_last ? i ^ partner : i]};
        sums[i] = theirs.lane([&](fp::Context& context) { return fp::add(context, x, y); }).bits;
      }
    }
    for (u32 i = 0; i < count; i++) {
      if (is_nan(result[i]) && is_nan(sums[i])) result[i] = sums[i];
    }
    return whole<V128>(result);
  }

 private:
  static bool is_nan(Bits bits) {
    constexpr Bits infinity = sizeof(Bits) == 4 ? Bits{0x7f800000} : static_cast<Bits>(0x7ff0000000000000);
    return (bits & (~Bits{0} >> 1)) > infinity;
  }
};

template <class F, class Host>
void check_dot_product(Report& report, Random& random) {
  if (host_kind().intel) return check_all_float<IntelDotProduct<F>, Host>(report, random);
  check_all_float<DotProduct<F>, Host>(report, random);
}

template <class O, class Host>
void check_plain_float(Report& report, Random& random) {
  for (u32 i = 0; i < 20; i++) check_float(report, random, Host::name, Host::run, O::software);
}

void check_sse3(Report& report, Random& random) {
  check_plain_float<AddSubtract<Float32>, host_code::addsubps>(report, random);
  check_plain_float<AddSubtract<Float64>, host_code::addsubpd>(report, random);
  check_plain_float<HorizontalFloat<Float32, software::Add>, host_code::haddps>(report, random);
  check_plain_float<HorizontalFloat<Float64, software::Add>, host_code::haddpd>(report, random);
  check_plain_float<HorizontalFloat<Float32, software::Subtract>, host_code::hsubps>(report, random);
  check_plain_float<HorizontalFloat<Float64, software::Subtract>, host_code::hsubpd>(report, random);
}

void check_sse41(Report& report, Random& random) {
  check_all<BlendByBit<u16>, host_code::pblendw>(report, random);
  check_all<BlendByBit<u32>, host_code::blendps>(report, random);
  check_all<BlendByBit<u64>, host_code::blendpd>(report, random);
  check_all<InsertSingle<false>, host_code::insertps>(report, random);
  check_all<SumsOfDifferences, host_code::mpsadbw>(report, random);
  check_all_float<RoundToIntegral<Float32, true>, host_code::roundps>(report, random);
  check_all_float<RoundToIntegral<Float64, true>, host_code::roundpd>(report, random);
  check_all_float<RoundToIntegral<Float32, false>, host_code::roundss>(report, random);
  check_all_float<RoundToIntegral<Float64, false>, host_code::roundsd>(report, random);
  check_dot_product<Float32, host_code::dpps>(report, random);
  check_dot_product<Float64, host_code::dppd>(report, random);
}

}  // namespace

int main() {
  Report report;
  Random random;
  check_all<ShuffleDwords, host_code::pshufd>(report, random);
  check_all<ShuffleHighWords, host_code::pshufhw>(report, random);
  check_all<ShuffleLowWords, host_code::pshuflw>(report, random);
  check_all<ShuffleSingles, host_code::shufps>(report, random);
  check_all<ShuffleDoubles, host_code::shufpd>(report, random);
  if (__builtin_cpu_supports("sse3")) check_sse3(report, random);
  if (__builtin_cpu_supports("ssse3")) check_all<AlignRight, host_code::palignr>(report, random);
  if (__builtin_cpu_supports("sse4.1")) check_sse41(report, random);
  return report.finish("sse immediate");
}

#else

int main() {
  std::puts("sse immediate: skipped, the host is not x86-64");
  return 0;
}

#endif
