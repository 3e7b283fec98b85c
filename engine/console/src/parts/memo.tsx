import { Component, type ComponentType, type FunctionComponent } from "preact";

import { isSame } from "../data/kept.ts";

/** A component that is drawn again only when one of its properties, or an entry of a list among them, is another. */
export function memo<P extends object>(View: FunctionComponent<P>): ComponentType<P> {
  return class extends Component<P> {
    override shouldComponentUpdate(next: P) {
      const [before, after] = [Object.entries(this.props), Object.entries(next)];
      return (
        before.length !== after.length || after.some(([name, value]) => !isEqual(this.props[name as never], value))
      );
    }

    override render() {
      return <View {...this.props} />;
    }
  };
}

function isEqual(before: unknown, after: unknown): boolean {
  return Object.is(before, after) || (Array.isArray(before) && Array.isArray(after) && isSame(before, after));
}
