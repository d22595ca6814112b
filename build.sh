#!/usr/bin/env bash
# What a platform runs before the first start of a version: packages, and the assets of pages. Migrations have a step of
# their own (`preDeployCommand` in render.yaml, `release` in the Procfile), so that they run once and not per instance.
set -euo pipefail
cd "$(dirname "$0")"
npm ci
npm run -s collectstatic
