import {
  boolean,
  fallback,
  intOrString,
  list,
  long,
  mapOf,
  object,
  required,
  type Schema,
  string,
  type TypeOf,
} from "../../schema/schema.ts";
import { type JobSpec, jobSpec } from "../batch/job_shape.ts";
import {
  type BarePodTemplate,
  barePodTemplate,
  type TemplateMetadata,
  templateMetadata,
} from "./pod_templates.ts";
import { objectOfAnything } from "./rollout_steps.ts";
import { type Sparse, withoutDefaults } from "./without_defaults.ts";

const authentication = object("How the provider is told who asks.", {
  sigv4: object("By a signature of AWS.", {
    region: string("Region."),
    profile: string("Profile."),
    roleArn: string("Role."),
  }),
  oauth2: object("By OAuth 2, with the credentials of a client.", {
    tokenUrl: string("Where tokens come from."),
    clientId: string("Id of the client."),
    clientSecret: string("Its secret."),
    scopes: list("Scopes that are asked for.", string("Scope.")),
  }),
});
export type Authentication = TypeOf<typeof authentication>;

const headers = list(
  "Headers of the request.",
  object("A header.", {
    key: required(string("Its name.")),
    value: required(string("Its value.")),
  }),
);

const prometheus = object("A query of Prometheus.", {
  address: string("Address of Prometheus."),
  query: string("The query."),
  authentication,
  timeout: long("Seconds that the query may take; 30 when absent."),
  insecure: boolean("Whether its certificate is not checked."),
  headers,
  rangeQuery: object("Asks for a range of time.", {
    start: string("Expression of its start."),
    end: string("Expression of its end."),
    step: string("Distance of its points, such as `1m`."),
  }),
});
export type PrometheusMetric = TypeOf<typeof prometheus>;

const web = object("An answer of a web server, as JSON.", {
  method: string("GET, POST or PUT; GET when absent."),
  url: required(string("What is asked for.")),
  headers,
  body: string("Body of the request."),
  jsonBody: objectOfAnything("Body of the request, as JSON."),
  timeoutSeconds: long("Seconds that the answer may take; 10 when absent."),
  jsonPath: string("Which part of the answer is the result, such as `{$.data}`."),
  insecure: boolean("Whether its certificate is not checked."),
  authentication,
});
export type WebMetric = TypeOf<typeof web>;

/** A Job as it was sent: nothing is defaulted. */
export type BareJobSpec = Sparse<Omit<JobSpec, "template">> & { template: BarePodTemplate };

export interface JobMetric {
  metadata?: TemplateMetadata;
  spec: BareJobSpec;
}

/** Made when it is used. */
let bareJobSpec: Schema | undefined;

const job: Schema<JobMetric> = {
  type: "object",
  description: "A Job that must succeed.",
  required: ["spec"],
  properties: {
    metadata: templateMetadata,
    get spec() {
      return bareJobSpec ??= bareJobSchema();
    },
  },
};

/** What the Job's own schema says, without defaults. */
function bareJobSchema(): Schema {
  const schema: Schema = withoutDefaults(jobSpec);
  return { ...schema, properties: { ...schema.properties, template: barePodTemplate } };
}

const scope = object("Whose metrics are compared.", {
  scope: required(string("Scope.")),
  region: required(string("Region.")),
  step: required(long("Distance of points in seconds.")),
  start: required(string("Start.")),
  end: required(string("End.")),
});

const kayenta = object("A judgement of Kayenta.", {
  address: required(string("Address.")),
  application: required(string("Application.")),
  canaryConfigName: required(string("Configuration.")),
  metricsAccountName: required(string("Account of metrics.")),
  configurationAccountName: required(string("Account of configurations.")),
  storageAccountName: required(string("Account of storage.")),
  threshold: required(object("Scores.", {
    pass: required(long("From which on it passes.")),
    marginal: required(long("From which on it is inconclusive.")),
  })),
  scopes: required(list(
    "Scopes.",
    object("A scope.", {
      name: required(string("Name.")),
      controlScope: required(scope),
      experimentScope: required(scope),
    }),
  )),
});

const cloudWatch = object("A query of CloudWatch.", {
  interval: string("Time that is looked at."),
  metricDataQueries: required(list(
    "Queries.",
    object("A query.", {
      id: string("Id."),
      expression: string("Expression."),
      label: string("Label."),
      metricStat: object("Statistic.", {
        metric: object("Metric.", {
          dimensions: list(
            "Dimensions.",
            object("Dimension.", { name: string("Name."), value: string("Value.") }),
          ),
          metricName: string("Name."),
          namespace: string("Namespace."),
        }),
        period: intOrString("Period."),
        stat: string("Statistic."),
        unit: string("Unit."),
      }),
      period: intOrString("Period."),
      returnData: boolean("Whether its data are returned."),
    }),
  )),
});

const datadog = object("A query of Datadog.", {
  interval: fallback("5m", string("Time that is looked at.")),
  query: string("Query."),
  queries: mapOf("Queries.", string("Query.")),
  formula: string("What is made of them."),
  apiVersion: { ...fallback("v1", string("Version of the API.")), enum: ["v1", "v2"] },
  aggregator: {
    ...string("How points become one."),
    enum: ["avg", "min", "max", "sum", "last", "percentile", "mean", "l2norm", "area"],
  },
  secretRef: object("Secret with the keys.", {
    name: string("Name."),
    namespaced: boolean("Whether it is in the namespace of the run."),
  }),
});

const query = (system: string, address: string) =>
  object(`A query of ${system}.`, { [address]: string("Where."), query: string("Query.") });

/** Exactly one is set. */
export const metricProvider = object("Who measures; exactly one.", {
  prometheus,
  web,
  job,
  plugin: objectOfAnything("What plugins are told, by their names."),
  kayenta,
  cloudWatch,
  datadog,
  wavefront: query("Wavefront", "address"),
  newRelic: object("A query of New Relic.", {
    profile: string("Profile."),
    query: required(string("Query.")),
    timeout: long("Seconds that it may take."),
  }),
  graphite: query("Graphite", "address"),
  influxdb: query("InfluxDB", "profile"),
  skywalking: object("A query of SkyWalking.", {
    address: string("Where."),
    query: string("Query."),
    interval: string("Time that is looked at."),
  }),
});
export type MetricProvider = TypeOf<typeof metricProvider>;
