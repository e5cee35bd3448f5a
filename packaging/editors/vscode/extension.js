// Starts `weft pan lsp` for Pan templates.
const { workspace } = require('vscode');
const { LanguageClient } = require('vscode-languageclient/node');

let client;

function activate(context) {
  const settings = workspace.getConfiguration('pan');
  const options = { no_rules: settings.get('noRules'), compile: settings.get('compile') };
  if (settings.get('includePath').length > 0) options.include_path = settings.get('includePath');
  if (settings.get('objects').length > 0) options.objects = settings.get('objects');
  const watcher = workspace.createFileSystemWatcher('**/*.{pan,tpl}');
  context.subscriptions.push(watcher);
  client = new LanguageClient(
    'weft-pan',
    'Pan (Weft)',
    { command: settings.get('command'), args: ['pan', 'lsp'] },
    { documentSelector: [{ scheme: 'file', language: 'pan' }, { scheme: 'untitled', language: 'pan' }], initializationOptions: options, synchronize: { fileEvents: watcher } }
  );
  return client.start();
}

function deactivate() {
  return client ? client.stop() : undefined;
}

module.exports = { activate, deactivate };
