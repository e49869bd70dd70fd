// SPDX-License-Identifier: BSD-2-Clause
// SSE and SSE2 arithmetic, comparison, estimates and logic.
#include "soft/families.h"
#include "soft/float/estimate.h"
#include "soft/sse/bitwise.h"
#include "soft/sse/compute.h"
#include "soft/sse/float_operations.h"

namespace tsbhyve::soft {

namespace {

using namespace sse;

template <Shape S>
using FetchOf = std::conditional_t<is_packed<S>, XmmAligned, XmmLow<BitsOf<ElementOf<S>>>>;

template <template <Shape> class O>
void add_shapes(HandlerTable& table, Opcode ps, Opcode pd, Opcode ss, Opcode sd) {
  table.set(ps, reading<Unit::Sse, FetchOf<Shape::ps>, Compute<O<Shape::ps>>>);
  table.set(pd, reading<Unit::Sse, FetchOf<Shape::pd>, Compute<O<Shape::pd>>>);
  table.set(ss, reading<Unit::Sse, FetchOf<Shape::ss>, Compute<O<Shape::ss>>>);
  table.set(sd, reading<Unit::Sse, FetchOf<Shape::sd>, Compute<O<Shape::sd>>>);
}

template <Shape S>
Handler select_compare(const Instruction& instruction, bool live) {
  return [&]<size_t... P>(std::index_sequence<P...>) {
    constexpr Select selects[] = {reading<Unit::Sse, FetchOf<S>, Compute<CompareOf<S, static_cast<u8>(P)>>>...};
    return selects[instruction.immediate & 7](instruction, live);
  }
  (std::make_index_sequence<8>());
}

template <template <Shape> class O>
void add_flags(HandlerTable& table, Opcode ss, Opcode sd) {
  table.set(ss, reading<Unit::Sse, FetchOf<Shape::ss>, Compute<O<Shape::ss>, ToFlags>>);
  table.set(sd, reading<Unit::Sse, FetchOf<Shape::sd>, Compute<O<Shape::sd>, ToFlags>>);
}

/// RCP and RSQRT: one definition for every host, so never the host's instruction. They raise nothing.
template <Float32 (*estimate)(Float32), bool packed>
struct Estimate {
  [[gnu::noinline]] static V128 apply(V128 a, V128 b) {
    auto result = lanes<u32>(a);
    const auto operand = lanes<u32>(b);
    for (u32 i = 0; i < (packed ? 4 : 1); i++) result[i] = estimate({operand[i]}).bits;
    return whole<V128>(result);
  }
};

template <Float32 (*estimate)(Float32)>
void add_estimate(HandlerTable& table, Opcode ps, Opcode ss) {
  table.set(ps, reading<Unit::Sse, XmmAligned, OnXmm<Estimate<estimate, true>>>);
  table.set(ss, reading<Unit::Sse, XmmLow<u32>, OnXmm<Estimate<estimate, false>>>);
}

}  // namespace

void add_sse_float(HandlerTable& table) {
  using enum Opcode;
  add_shapes<sse::Add>(table, Addps, Addpd, Addss, Addsd);
  add_shapes<Subtract>(table, Subps, Subpd, Subss, Subsd);
  add_shapes<Multiply>(table, Mulps, Mulpd, Mulss, Mulsd);
  add_shapes<Divide>(table, Divps, Divpd, Divss, Divsd);
  add_shapes<Minimum>(table, Minps, Minpd, Minss, Minsd);
  add_shapes<Maximum>(table, Maxps, Maxpd, Maxss, Maxsd);
  add_shapes<SquareRoot>(table, Sqrtps, Sqrtpd, Sqrtss, Sqrtsd);
  table.set(Cmpps, select_compare<Shape::ps>);
  table.set(Cmppd, select_compare<Shape::pd>);
  table.set(Cmpss, select_compare<Shape::ss>);
  table.set(Cmpsd, select_compare<Shape::sd>);
  add_flags<OrderedFlags>(table, Comiss, Comisd);
  add_flags<UnorderedFlags>(table, Ucomiss, Ucomisd);
  add_estimate<fp::reciprocal_root_estimate>(table, Rsqrtps, Rsqrtss);
  add_estimate<fp::reciprocal_estimate>(table, Rcpps, Rcpss);
  for (const Opcode opcode : {Andps, Andpd}) add_xmm<BitAnd>(table, opcode);
  for (const Opcode opcode : {Andnps, Andnpd}) add_xmm<BitAndNot>(table, opcode);
  for (const Opcode opcode : {Orps, Orpd}) add_xmm<BitOr>(table, opcode);
  for (const Opcode opcode : {Xorps, Xorpd}) add_xmm<BitXor>(table, opcode);
}

}  // namespace tsbhyve::soft
