import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** A member of an interface, or a parameter of a method that an interface declares. */
export interface OptionMember {
  /** `ReadOptions.timeout`; for a parameter `LoadContext.setTtl(ttl)`. */
  readonly name: string;
  /** The type as it is written. */
  readonly type: string;
}

/** Lists the members that the interfaces in a folder's sources declare, tests excluded. */
export function membersIn(folder: string): OptionMember[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('spec.ts'))
    .flatMap((file) => {
      const text = readFileSync(join(folder, file), 'utf8');
      const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
      return source.statements.filter(ts.isInterfaceDeclaration).flatMap(membersOf);
    });
}

function membersOf(declaration: ts.InterfaceDeclaration): OptionMember[] {
  return declaration.members.flatMap((member) => {
    if (!member.name) return [];
    const name = `${declaration.name.text}.${member.name.getText()}`;
    if (ts.isPropertySignature(member)) return [{ name, type: textOf(member.type) }];
    if (!ts.isMethodSignature(member)) return [];
    return member.parameters.map((parameter) => ({
      name: `${name}(${parameter.name.getText()})`,
      type: textOf(parameter.type),
    }));
  });
}

function textOf(type: ts.TypeNode | undefined): string {
  return type?.getText() ?? '';
}
