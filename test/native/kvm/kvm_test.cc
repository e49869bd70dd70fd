// SPDX-License-Identifier: BSD-2-Clause
// The kvm engine against the kernel's KVM. Where there is none, it says so and succeeds.
#include <cstring>

#include "guest.h"
#include "kvm/probe.h"

int main() {
  test::nested_cases();
  const tsbhyve::KvmProbe probe = tsbhyve::kvm_probe();
  std::printf("probe: %s, %.1f million instructions a second, TSC %llu Hz%s%s\n",
              probe.available ? "native" : "not native", probe.instructions_per_second / 1e6,
              static_cast<unsigned long long>(probe.tsc_hz), probe.reason.empty() ? "" : "; ", probe.reason.c_str());
  if (probe.instructions_per_second <= 0) {
    std::printf("skipped: %s\n", probe.reason.c_str());
    return test::report();
  }
  try {
    for (const bool crew : {false, true}) {
      std::printf("the vCPU on %s\n", crew ? "a thread of its own" : "this thread");
      test::usually_crew = crew;
      test::exit_cases();
      test::interrupt_cases();
      test::time_cases();
      test::state_cases();
    }
    test::smp_cases();
    test::doorbell_cases();
    test::avx_cases();
  } catch (const tsbhyve::EngineError& error) {
    std::printf("engine error: %s: %s %s\n", error.call, error.number ? std::strerror(error.number) : "",
                error.message.c_str());
    return 1;
  }
  return test::report();
}
