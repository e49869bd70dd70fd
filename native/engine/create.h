// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <memory>
#include <string>

#include "engine/engine.h"

namespace tsbhyve {

/// Makes an engine by name. Throws EngineError when it cannot run here and std::invalid_argument for an unknown name.
std::unique_ptr<Engine> create_engine(const std::string& name, GuestRam* ram, const EngineOptions& options);

}  // namespace tsbhyve
