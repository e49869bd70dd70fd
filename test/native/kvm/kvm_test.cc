// SPDX-License-Identifier: BSD-2-Clause
// The kvm engine against the kernel's KVM. Where there is none, it says so and succeeds.
#include <cstring>

#include "guest.h"
#include "kvm/probe.h"

int main() {
  const tsbhyve::KvmProbe probe = tsbhyve::kvm_probe();
  std::printf("probe: %s, %.1f million instructions a second, TSC %llu Hz%s%s\n",
              probe.available ? "native" : "not native", probe.instructions_per_second / 1e6,
              static_cast<unsigned long long>(probe.tsc_hz), probe.reason.empty() ? "" : "; ", probe.reason.c_str());
  if (probe.instructions_per_second <= 0) {
    std::printf("skipped: %s\n", probe.reason.c_str());
    return 0;
  }
  try {
    const tsbhyve::kvm::KvmChoices choices[] = {{}, {.may_ring = false}, {.always_crew = true}};
    for (const auto& choice : choices) {
      std::printf("dirty log in %s, vCPUs on %s\n", choice.may_ring ? "rings if there are" : "bitmaps",
                  choice.always_crew ? "threads" : "this thread");
      test::usual = choice;
      test::exit_cases();
      test::interrupt_cases();
      test::time_cases();
      test::state_cases();
    }
    test::smp_cases();
    test::doorbell_cases();
  } catch (const tsbhyve::EngineError& error) {
    std::printf("engine error: %s: %s %s\n", error.call, error.number ? std::strerror(error.number) : "",
                error.message.c_str());
    return 1;
  }
  return test::report();
}
