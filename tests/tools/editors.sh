#!/usr/bin/env bash
# The editor settings in docs/editors.md: each is read by its editor, or at least by a parser of its format. With them,
# Neovim shows findings and applies a fix.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
page=$root/docs/editors.md
export PATH=${regfix%/*}:$PATH

# snippet NAME: the code block after a marker
snippet() {
    local text
    text=$(sed -n "/^<!-- $1 -->\$/,/^\`\`\`\$/p" "$page" | sed '1,2d;$d')
    [[ -n $text ]] || failed "docs/editors.md has no snippet $1"
    printf '%s\n' "$text"
}

for name in zed jetbrains; do
    snippet "$name" >"$scratch/$name.json"
    if has python3; then
        python3 -m json.tool "$scratch/$name.json" >/dev/null
        contains "$(cat "$scratch/$name.json")" lsp
        passed "the settings for $name are JSON"
    else
        without "python3, for the settings of $name"
    fi
done
snippet helix >"$scratch/languages.toml"
if has hx; then
    mkdir -p "$scratch/config/helix"
    cp "$scratch/languages.toml" "$scratch/config/helix"
    contains "$(XDG_CONFIG_HOME=$scratch/config hx --health yaml 2>&1)" regfix
    passed "Helix knows the server"
elif has python3 && python3 -c 'import tomllib' 2>/dev/null; then
    python3 -c 'import sys, tomllib
with open(sys.argv[1], "rb") as file:
    settings = tomllib.load(file)
assert settings["language-server"]["regfix"] == {"command": "regfix", "args": ["lsp"]}
assert all("regfix" in one["language-servers"] for one in settings["language"])' "$scratch/languages.toml"
    passed "the settings for Helix are TOML, and name the server for each language"
else
    without hx
fi
snippet emacs >"$scratch/eglot.el"
snippet emacs-lsp-mode >"$scratch/lsp-mode.el"
if has emacs && emacs --batch --eval "(require 'eglot)" >/dev/null 2>&1; then
    emacs --batch --load "$scratch/eglot.el" --load "$scratch/lsp-mode.el" \
        --eval "(progn (require 'eglot) (unless (rassoc '(\"regfix\" \"lsp\") eglot-server-programs) (kill-emacs 1)))"
    passed "Emacs knows the server"
else
    without "emacs with eglot"
fi

if ! has nvim; then
    without nvim
    exit 0
fi
cat >"$scratch/drive.lua" <<'LUA'
-- Waits for the finding, applies its preferred fix, and says what came of it.
local function wait(what, done)
  if not vim.wait(60000, done, 50) then
    io.stderr:write('no ' .. what .. '\n')
    vim.cmd('cquit 1')
  end
end
local function drive()
  wait('diagnostics', function() return #vim.diagnostic.get(0) == 2 end)
  for _, found in ipairs(vim.diagnostic.get(0)) do
    print(('%s %d:%d'):format(found.code, found.lnum + 1, found.col + 1))
  end
  local context = { diagnostics = {}, only = { 'quickfix' } }
  local params = {
    textDocument = { uri = vim.uri_from_bufnr(0) },
    range = { start = { line = 4, character = 16 }, ['end'] = { line = 4, character = 16 } },
    context = context,
  }
  local clients = (vim.lsp.get_clients or vim.lsp.get_active_clients)()
  local units = clients[1].offset_encoding
  local answers = vim.lsp.buf_request_sync(0, 'textDocument/codeAction', params, 60000)
  for _, answer in pairs(answers) do
    for _, action in ipairs(answer.result) do
      if action.isPreferred or action.title:match('^Replace with registry') then
        print(action.title)
        vim.lsp.util.apply_workspace_edit(action.edit, units)
        break
      end
    end
  end
  wait('fewer diagnostics', function() return #vim.diagnostic.get(0) == 1 end)
  vim.cmd('silent write')
  vim.cmd('qall')
end
local ok, why = pcall(drive)
if not ok then
  io.stderr:write(tostring(why) .. '\n')
  vim.cmd('cquit 1')
end
LUA
# neovim NAME: starts Neovim with a snippet, and checks the result
neovim() {
    local said
    snippet "$1" >"$scratch/$1.lua"
    rm -rf "$scratch/project"
    mkdir "$scratch/project"
    cd "$scratch/project"
    printf '# ä𝒳\nkind: Pod\nspec:\n  containers:\n    - image: k8s.gcr.io/pause:3.9 # ä\n    - image: bitnami/redis:7.0.1\n' >pod.yaml
    said=$(XDG_STATE_HOME=$scratch/state XDG_CACHE_HOME=$scratch/cache timeout 180 \
        nvim --headless -u NONE -i NONE -n --cmd 'filetype plugin on' --cmd "luafile $scratch/$1.lua" pod.yaml \
        -c "luafile $scratch/drive.lua" 2>&1) || failed "nvim: $said"
    contains "$said" "k8s-gcr-io 5:14"
    contains "$said" "bitnami-versioned 6:14"
    contains "$said" "Replace with registry.k8s.io/pause:3.9"
    contains "$(cat pod.yaml)" "    - image: registry.k8s.io/pause:3.9 # ä"
    contains "$(cat pod.yaml)" "bitnami/redis:7.0.1"
}
version=$(nvim --version | sed -n '1s/^NVIM v0\.\([0-9]*\).*/\1/p')
if ((${version:-99} >= 11)); then
    neovim neovim
else
    neovim neovim-old
fi
passed "$(nvim --version | head -n 1) shows findings and applies a fix"
