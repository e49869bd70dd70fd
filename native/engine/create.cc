// SPDX-License-Identifier: BSD-2-Clause
#include "engine/create.h"

#include <stdexcept>

#include "soft/soft_engine.h"

namespace tsbhyve {

std::unique_ptr<VcpuEngine> create_engine(const std::string& name, GuestRam* ram, const EngineOptions& options) {
  if (name == "soft") return std::make_unique<soft::SoftEngine>(ram, options);
  throw std::invalid_argument("engine " + name + ": this build has soft");
}

}  // namespace tsbhyve
