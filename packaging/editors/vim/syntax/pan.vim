" Highlighting of Pan.
if exists('b:current_syntax')
  finish
endif

syntax case match

syntax match   panNumber      /\<\d\+\%(\.\d\+\)\=\%([eE][-+]\=\d\+\)\=\>/
syntax match   panNumber      /\<0[xX]\x\+\>/
syntax match   panFunction    /\<\h\w*\ze\s*(/
syntax keyword panConditional if else
syntax keyword panRepeat      for foreach while
syntax keyword panStatement   return error
syntax keyword panKeyword     bind valid final prefix with extensible choice include
syntax keyword panKeyword     object unique structure declaration template
syntax keyword panDefine      variable function type
syntax keyword panConstant    true false undef null
syntax keyword panAutomatic   SELF ARGV ARGC OBJECT TEMPLATE FUNCTION LOADPATH
syntax keyword panType        string long double boolean number property resource element
syntax match   panType        /\<\%(list\|dict\|nlist\)\>\ze\s*[^( ]/
syntax match   panOperator    /?=\|[=!<>]=\|&&\|||\|[-+*\/%!<>=?:&|^~]/
syntax region  panString      start=/'/ end=/'/ skip=/''/ contains=@Spell
syntax region  panString      start=/"/ skip=/\\./ end=/"/ contains=panEscape,@Spell
syntax match   panEscape      /\\\%(x\x\x\|u\x\{4}\|.\)/ contained
syntax region  panHeredoc     start=/<<\z(\h[[:alnum:]_.-]*\)/ end=/^\z1$/ keepend contains=@Spell
syntax region  panAnnotation  start=/@\w*\s*{/ end=/}/ contains=panBraces,@Spell
syntax region  panAnnotation  start=/@\w*\s*(/ end=/)/ contains=@Spell
syntax region  panAnnotation  start=/@\w*\s*\[/ end=/\]/ contains=@Spell
syntax region  panBraces      start=/{/ end=/}/ contained contains=panBraces
syntax match   panComment     /#.*$/ contains=panTodo,@Spell
syntax keyword panTodo        TODO FIXME XXX contained
syntax sync minlines=200

highlight default link panNumber      Number
highlight default link panFunction    Function
highlight default link panConditional Conditional
highlight default link panRepeat      Repeat
highlight default link panStatement   Statement
highlight default link panKeyword     Keyword
highlight default link panDefine      Define
highlight default link panConstant    Constant
highlight default link panAutomatic   Identifier
highlight default link panType        Type
highlight default link panOperator    Operator
highlight default link panString      String
highlight default link panHeredoc     String
highlight default link panEscape      SpecialChar
highlight default link panAnnotation  SpecialComment
highlight default link panBraces      SpecialComment
highlight default link panComment     Comment
highlight default link panTodo        Todo

let b:current_syntax = 'pan'
