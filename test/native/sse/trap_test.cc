// SPDX-License-Identifier: BSD-2-Clause
// Unmasked exceptions: whether an operation faults, and which flags stand in MXCSR then, against traps of the host.
#include "values.h"

#if defined(__x86_64__) && defined(__linux__)

#include <ucontext.h>

#include <csetjmp>
#include <csignal>

#include "soft/host/rounding.h"
#include "soft/sse/convert_operations.h"
#include "soft/sse/float_operations.h"

namespace {

using namespace test;
using namespace tsbhyve::soft::sse;
namespace host = tsbhyve::soft::host;

constexpr u32 rounds = 4000;

sigjmp_buf trap_return;
volatile u32 mxcsr_at_trap;

void on_trap(int, siginfo_t*, void* context) {
  mxcsr_at_trap = static_cast<ucontext_t*>(context)->uc_mcontext.fpregs->mxcsr;
  siglongjmp(trap_return, 1);
}

struct Outcome {
  bool faults;
  u32 flags;
};

template <class O>
Outcome native(u32 mxcsr, V128 a, V128 b) {
  const u32 saved = __builtin_ia32_stmxcsr();
  if (sigsetjmp(trap_return, 0) != 0) {
    __builtin_ia32_ldmxcsr(saved);
    return {true, mxcsr_at_trap & host::mxcsr_exceptions};
  }
  __builtin_ia32_ldmxcsr(mxcsr);
  O::native(a, b);
  const u32 flags = host::raised_exceptions();
  __builtin_ia32_ldmxcsr(saved);
  return {false, flags};
}

template <class O>
void check(Report& report, Random& random, const char* name) {
  for (u32 i = 0; i < rounds; i++) {
    const V128 a = edge_vector(random), b = edge_vector(random);
    const u32 mxcsr =
        random.below(0x40) << 7 | random.below(4) << 13 | (random.below(4) ? 0 : 0x40) | (random.below(4) ? 0 : 0x8000);
    const Outcome expected = native<O>(mxcsr, a, b);
    Evaluation evaluation(mxcsr);
    O::software(evaluation, a, b);
    report.equal<bool>(name, mxcsr, a, b, expected.faults, expected.flags, evaluation.faults(), evaluation.reported());
  }
}

template <template <Shape> class O>
void check_shapes(Report& report, Random& random, const char* name) {
  check<O<Shape::ps>>(report, random, name);
  check<O<Shape::pd>>(report, random, name);
  check<O<Shape::ss>>(report, random, name);
  check<O<Shape::sd>>(report, random, name);
}

void catch_traps() {
  struct sigaction action = {};
  action.sa_sigaction = on_trap;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigaction(SIGFPE, &action, nullptr);
}

}  // namespace

int main() {
  catch_traps();
  Report report;
  Random random;
  check_shapes<Add>(report, random, "add");
  check_shapes<Multiply>(report, random, "mul");
  check_shapes<Divide>(report, random, "div");
  check_shapes<Maximum>(report, random, "max");
  check_shapes<SquareRoot>(report, random, "sqrt");
  check<CompareOf<Shape::ps, 1>>(report, random, "cmpltps");
  check<CompareOf<Shape::pd, 4>>(report, random, "cmpneqpd");
  check<PsFromDq>(report, random, "cvtdq2ps");
  check<PsFromPd>(report, random, "cvtpd2ps");
  check<PdFromPs>(report, random, "cvtps2pd");
  check<DqFromPs<false>>(report, random, "cvtps2dq");
  check<DqFromPd<true>>(report, random, "cvttpd2dq");
  return report.finish("sse traps");
}

#else

int main() {
  std::puts("sse traps: skipped, the host is not x86-64 Linux");
  return 0;
}

#endif
