import js from "@eslint/js";
import hooks from "eslint-plugin-react-hooks";
import ts from "typescript-eslint";

export default ts.config(
  { ignores: ["node_modules", "dev", "scripts", "public"] },
  js.configs.recommended,
  ...ts.configs.recommended,
  {
    files: ["src/**/*.{ts,tsx}"],
    plugins: { "react-hooks": hooks },
    rules: { ...hooks.configs.recommended.rules, "react-hooks/refs": "off", "react-hooks/set-state-in-effect": "off" },
  },
  {
    // Telemetry is rendered as text, never as markup.
    rules: {
      "no-restricted-syntax": [
        "error",
        { selector: "MemberExpression[property.name='innerHTML']", message: "Telemetry is text: use textContent." },
        { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: "Telemetry is text." },
      ],
    },
  },
);
