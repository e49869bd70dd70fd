// SPDX-License-Identifier: BSD-2-Clause
// Conversions between integers and floating-point formats (SDM vol. 1, 11.4.4).
#include "soft/families.h"
#include "soft/sse/compute.h"
#include "soft/sse/convert_operations.h"

namespace tsbhyve::soft {

namespace {

using namespace sse;

template <class Fetch, class O>
void add_vector(HandlerTable& table, Opcode opcode) {
  table.set(opcode, reading<Unit::Sse, Fetch, Compute<O>>);
}

/// To MMX. The source is an XMM register or memory, aligned when it is 16 bytes.
template <class Fetch, class O>
void add_to_mmx(HandlerTable& table, Opcode opcode) {
  table.set(opcode, reading<Unit::Both, Fetch, Compute<O, ToMmx>>);
}

/// CVTPI2PD, unlike CVTPI2PS, touches the MMX state only when it reads an MMX register (SDM vol. 2).
Handler select_pd_from_pi(const Instruction& instruction, bool live) {
  using Action = Compute<PdFromPi>;
  return in_memory(instruction.operands[1]) ? reading<Unit::Sse, MmxLow<u64>, Action>(instruction, live)
                                            : reading<Unit::Both, MmxLow<u64>, Action>(instruction, live);
}

template <template <class> class O>
void add_from_general(HandlerTable& table, Opcode opcode) {
  table.set(opcode, [](const Instruction& instruction, bool live) {
    return instruction.operands[1].size == 8
               ? reading<Unit::Sse, sse::General<u64>, Compute<O<u64>>>(instruction, live)
               : reading<Unit::Sse, sse::General<u32>, Compute<O<u32>>>(instruction, live);
  });
}

template <template <class, bool> class O, class T, bool truncated>
void add_to_general(HandlerTable& table, Opcode opcode) {
  table.set(opcode, [](const Instruction& instruction, bool live) {
    return instruction.operands[0].size == 8
               ? reading<Unit::Sse, XmmLow<T>, Compute<O<u64, truncated>, ToGeneral>>(instruction, live)
               : reading<Unit::Sse, XmmLow<T>, Compute<O<u32, truncated>, ToGeneral>>(instruction, live);
  });
}

}  // namespace

void add_sse_convert(HandlerTable& table) {
  using enum Opcode;
  table.set(Cvtpi2ps, reading<Unit::Both, MmxLow<u64>, Compute<PsFromPi>>);
  table.set(Cvtpi2pd, select_pd_from_pi);
  add_to_mmx<XmmLow<u64>, PiFromPs<false>>(table, Cvtps2pi);
  add_to_mmx<XmmLow<u64>, PiFromPs<true>>(table, Cvttps2pi);
  add_to_mmx<XmmAligned, PiFromPd<false>>(table, Cvtpd2pi);
  add_to_mmx<XmmAligned, PiFromPd<true>>(table, Cvttpd2pi);
  add_from_general<SsFromGeneral>(table, Cvtsi2ss);
  add_from_general<SdFromGeneral>(table, Cvtsi2sd);
  add_to_general<GeneralFromSs, u32, false>(table, Cvtss2si);
  add_to_general<GeneralFromSs, u32, true>(table, Cvttss2si);
  add_to_general<GeneralFromSd, u64, false>(table, Cvtsd2si);
  add_to_general<GeneralFromSd, u64, true>(table, Cvttsd2si);
  add_vector<XmmLow<u64>, PdFromPs>(table, Cvtps2pd);
  add_vector<XmmAligned, PsFromPd>(table, Cvtpd2ps);
  add_vector<XmmLow<u32>, SdFromSs>(table, Cvtss2sd);
  add_vector<XmmLow<u64>, SsFromSd>(table, Cvtsd2ss);
  add_vector<XmmAligned, PsFromDq>(table, Cvtdq2ps);
  add_vector<XmmLow<u64>, PdFromDq>(table, Cvtdq2pd);
  add_vector<XmmAligned, DqFromPs<false>>(table, Cvtps2dq);
  add_vector<XmmAligned, DqFromPs<true>>(table, Cvttps2dq);
  add_vector<XmmAligned, DqFromPd<false>>(table, Cvtpd2dq);
  add_vector<XmmAligned, DqFromPd<true>>(table, Cvttpd2dq);
}

}  // namespace tsbhyve::soft
