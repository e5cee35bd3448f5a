# panc: {here}/away/given.pan {here}/away/twice/given.pan
object template compile-fail-given-twice;

'/x' = 1 + value('given:/list/5');
