#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The shared meter inside this kernel, packet by packet, must equal the host's in every byte.

exec parity "$(dirname "$(command -v parity)")/parity.bpf.o" "$CAPTURES"/*/*
