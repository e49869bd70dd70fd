// SPDX-License-Identifier: BSD-2-Clause
// Parts of the move family that lie in transfer.cc, and sources they share.
#pragma once

#include "soft/sse/shells.h"

namespace tsbhyve::soft::sse {

template <class T>
struct SourceXmmLow {
  static T get(const Cpu* cpu, const Op* op) { return static_cast<T>(cpu->xmm[op->source].lane[0]); }
};
template <class T>
struct SourceMmx {
  static T get(const Cpu* cpu, const Op* op) { return static_cast<T>(read_mmx(cpu, op->source)); }
};

/// MOVD, MOVQ and everything else that crosses register classes; masked stores.
void add_transfers(HandlerTable& table);

}  // namespace tsbhyve::soft::sse
