#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# No packet unaccounted for and none in a wrong flow, on this kernel, with two CPUs at work.

exec exactness "$(dirname "$(command -v exactness)")/storm.bpf.o" --emulated
