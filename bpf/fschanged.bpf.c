// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Maps and globals. Sizes are set by the collector before loading. */
#include "shared.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct events_map events SEC(".maps");
struct superblocks_map superblocks SEC(".maps");
struct reported_map reported SEC(".maps");
struct writers_map writers SEC(".maps");
struct operations_map operations SEC(".maps");
struct raw_writes_map raw_writes SEC(".maps");
struct scratch_map scratch SEC(".maps");

const volatile struct settings settings;
volatile struct globals globals;
