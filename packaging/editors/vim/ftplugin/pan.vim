" Pan: comments, indentation, formatting by weft.
if exists('b:did_ftplugin')
  finish
endif
let b:did_ftplugin = 1

setlocal comments=:# commentstring=#\ %s
setlocal expandtab shiftwidth=4 softtabstop=4 autoindent smartindent
setlocal iskeyword=@,48-57,_
setlocal suffixesadd=.pan,.tpl
setlocal include=^\\s*include\\s*{\\=\\s*['\"]

let b:undo_ftplugin = 'setlocal comments< commentstring< expandtab< shiftwidth< softtabstop< autoindent< smartindent< iskeyword< suffixesadd< include<'
