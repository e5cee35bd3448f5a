-- Starts `weft pan lsp` for Pan buffers, with Neovim's own client (0.7 and newer):
--   require('weft_pan').setup()
--   require('weft_pan').setup({ cmd = { '/opt/weft/bin/weft', 'pan', 'lsp' }, options = { no_rules = { 'nlist' } } })
local M = {}

local clients = {} -- by root

-- The nearest folder above the file with a weft.yaml; without one, the file's own.
local function root_of(file)
  local folder = vim.fn.fnamemodify(file, ':p:h')
  local found = vim.fn.findfile('weft.yaml', folder .. ';')
  return found ~= '' and vim.fn.fnamemodify(found, ':p:h') or folder
end

local function attach(settings, buffer)
  local file = vim.api.nvim_buf_get_name(buffer)
  if file == '' then return end
  local root = root_of(file)
  if not clients[root] or not vim.lsp.get_client_by_id(clients[root]) then
    clients[root] = vim.lsp.start_client({
      name = 'weft-pan',
      cmd = settings.cmd or { 'weft', 'pan', 'lsp' },
      root_dir = root,
      workspace_folders = { { uri = vim.uri_from_fname(root), name = root } },
      init_options = settings.options,
      on_attach = settings.on_attach,
    })
  end
  if clients[root] then vim.lsp.buf_attach_client(buffer, clients[root]) end
end

function M.setup(settings)
  settings = settings or {}
  vim.api.nvim_create_autocmd('FileType', {
    group = vim.api.nvim_create_augroup('weft_pan', { clear = true }),
    pattern = 'pan',
    callback = function(event) attach(settings, event.buf) end,
  })
end

return M
