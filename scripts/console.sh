#!/usr/bin/env bash
# The console in the browser: `scripts/console.sh build` makes server/web/ui/dist when its sources are newer;
# `scripts/console.sh check` reads the types and runs the tests of its logic.
set -euo pipefail
cd "$(dirname "$0")/../server/web/ui"

if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
  echo 'console: Node.js (20.19 or newer) and npm are needed to build the console. See https://nodejs.org, then run make again.' >&2
  exit 1
fi
if ! node -e 'const [a,b]=process.versions.node.split(".").map(Number); process.exit(a>20||a===20&&b>=19?0:1)'; then
  echo "console: Node.js $(node --version) is too old: 20.19 or newer is needed." >&2
  exit 1
fi

# The modules, when they are not those of the lock file.
want=$(sha256sum package-lock.json | cut -d' ' -f1)
if [ "$(cat node_modules/.amethyst-lock 2>/dev/null)" != "$want" ]; then
  echo 'console: fetching its modules' >&2
  log=$(mktemp)
  npm ci --no-audit --no-fund --loglevel=error >"$log" 2>&1 || { tail -n 20 "$log" >&2; rm -f "$log"; exit 1; }
  rm -f "$log"
  echo "$want" >node_modules/.amethyst-lock
fi

case ${1:-build} in
  build)
    if [ ! -e dist/index.html ] ||
       [ -n "$(find src locales public index.html vite.config.ts svelte.config.js package-lock.json scripts -newer dist/index.html -print -quit)" ]; then
      echo 'console: building' >&2
      log=$(mktemp)
      npm run --silent build >"$log" 2>&1 || { tail -n 30 "$log" >&2; rm -f "$log"; exit 1; }
      rm -f "$log"
    fi ;;
  check) npm run --silent check && npm run --silent test ;;
  *) echo 'usage: scripts/console.sh build|check' >&2; exit 2 ;;
esac
