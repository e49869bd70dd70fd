// SPDX-License-Identifier: BSD-2-Clause
// The vmm engine against FreeBSD's vmm, or against the libvmmapi that is named as the only argument. Needs no Node.
#include <cstring>

#include "guest.h"

int main(int count, char** arguments) {
  if (count > 1) test::library_path = arguments[1];
  try {
    bool can_save = false;
    {
      test::Guest guest({0xf4});
      can_save = guest.engine->chipset() != nullptr &&
                 guest.engine->capabilities().missing_from_snapshot.find("BHYVE_SNAPSHOT") == std::string::npos;
    }
    std::printf("this kernel %s\n", can_save ? "saves its state" : "was built without BHYVE_SNAPSHOT");
    test::exit_cases();
    test::emulation_cases();
    test::interrupt_cases();
    test::state_cases(can_save);
    test::several_cases(can_save);
  } catch (const tsbhyve::EngineError& error) {
    std::printf("engine error: %s: %s %s\n", error.call, error.number ? std::strerror(error.number) : "",
                error.message.c_str());
    return 1;
  }
  return test::report();
}
