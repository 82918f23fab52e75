# Tasks of the project; `npx just` (npm package rust-just) or a `just` of your own runs them.
export PATH := justfile_directory() + "/node_modules/.bin:" + env_var("PATH")

# list the tasks
default:
    @just --list

# install what is missing and build
setup:
    ./scripts/bootstrap

# build on every change
dev:
    node --watch-path=src scripts/build.mjs

# build dist/
build:
    node scripts/build.mjs

# checks and all tests
test *args:
    ./scripts/test {{args}}

# kill, write and roll back at random, for so many minutes
torture minutes="10":
    node tests/torture/run.ts {{minutes}}

# format, lint, types, layers, dead code, generated files
check *name:
    ./scripts/check {{name}}

# format in place and write generated files
fix:
    oxfmt .
    oxlint --type-aware --fix
    node scripts/schema.ts

# measure the speed goals; writes bench/results.json
bench *args: build
    node bench/run.ts {{args}}

# the main job on the sample project
demo *args:
    ./scripts/demo {{args}}

# what npm would publish, installed and run in an empty directory
release: build
    ./scripts/check
    ./scripts/pack-check
