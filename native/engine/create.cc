// SPDX-License-Identifier: BSD-2-Clause
#include "engine/create.h"

#include <stdexcept>

#include "soft/soft_engine.h"
#include "vmm/vmm_engine.h"
#ifdef __linux__
#include "kvm/kvm_engine.h"
#endif

namespace tsbhyve {

std::unique_ptr<Engine> create_engine(const std::string& name, GuestRam* ram, const EngineOptions& options) {
  if (options.vcpus == 0 || options.vcpus > max_vcpus) {
    throw std::invalid_argument(std::to_string(options.vcpus) + " vCPUs: expected 1 to " + std::to_string(max_vcpus));
  }
  if (name == "soft") return std::make_unique<soft::SoftEngine>(ram, options);
  if (name == "vmm") return std::make_unique<vmm::VmmEngine>(ram, options);
#ifdef __linux__
  if (name == "kvm") return std::make_unique<kvm::KvmEngine>(ram, options);
  throw std::invalid_argument("engine " + name + ": this build has soft, kvm and vmm");
#else
  throw std::invalid_argument("engine " + name + ": this build has soft and vmm");
#endif
}

}  // namespace tsbhyve
