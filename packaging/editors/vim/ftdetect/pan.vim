" Pan templates. Files named .tpl belong to other languages too: their first statement decides.
autocmd BufNewFile,BufRead *.pan setfiletype pan
autocmd BufNewFile,BufRead *.tpl if getline(search('^\s*[^#[:space:]]', 'cnw')) =~# '^\s*\%(\%(object\|unique\|structure\|declaration\)\s\+\)\=template\s' | setfiletype pan | endif
